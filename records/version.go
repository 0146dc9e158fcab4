package records

// OrgoVersion is the version of Orgo that this code is.
const OrgoVersion = "0.1.0"
