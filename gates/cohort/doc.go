// Package cohort says which nodes a stage of a rollout goes to.
//
// A node's place is a hash of the release's salt and the node's id, and of nothing
// else. So it needs no table and no coordination; it is the same on every machine
// and in every replay; growing a share never moves a node out again; and, the salt
// being another in each release, it is not always the same nodes that go first.
// (Kohavi, Tang, Xu: Trustworthy Online Controlled Experiments, Cambridge 2020,
// chapter 4, on hashing with a seed per experiment.)
//
// The nodes of a stage are frozen when it begins: a node that is added, or gets
// another label, while the stage is watched would change what its health is
// measured on.
package cohort
