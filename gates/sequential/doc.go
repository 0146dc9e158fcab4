// Package sequential tests, at every look and for as long as anybody likes,
// whether a canary fails more often than its control.
//
// At look k the canary had n more executions and x failures among them, the
// control m and y. For a relative risk λ > 1 the look multiplies an e-value by
//
//	λ^x / (1 + π(λ-1))^(x+y),  π = n/(n+m).
//
// It is the limit at low rates of the E-variable for two proportions of Turner,
// Ly and Grünwald, "Generic E-variables for exact sequential k-sample tests that
// allow for optional stopping" (Journal of Statistical Planning and Inference 230,
// 2024), in which the rate itself cancels.
//
// Proof that its mean is at most 1 if the canary fails no more often. Let
// M = 1 + π(λ-1), so 1 <= M <= λ. An execution that fails with probability p
// contributes a factor of mean 1 + p(λ/M-1) in the canary, which rises with p, and
// 1 + p(1/M-1) in the control, which falls. By the inequality of means their
// product is at most the (n+m)-th power of their mean, which with mean rates p of
// the canary <= q of the control is at most 1 + q(πλ/M + (1-π)/M - 1) = 1.
// Rates may thus differ from execution to execution and drift from look to look.
//
// The product over looks is then a nonnegative supermartingale that begins at 1,
// and so is its mean over several λ. By Ville's inequality ("Étude critique de la
// notion de collectif", 1939) it ever reaches 1/alpha with probability at most
// alpha: one may look as often as one likes, and stop when one likes.
//
// What it assumes: how many executions a look has does not depend on how they
// end, and an execution fails independently of the others, given the past. A
// node that fails all the time breaks that, as does a canary that was picked
// because it is worse: the test then finds a difference that is there, in the
// nodes and not in what was released.
//
// Logarithms are fixed-point integers, rounded so that the computed e-value is
// never above the true one. There is no floating point: every platform yields the
// same bits. A look costs the same whatever its counts.
package sequential
