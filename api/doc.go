// Package api is Orgo's control plane over HTTP: it starts and steers builds,
// reads records, and moves artifacts. It decides nothing and writes no record:
// every mutation goes through Builds, the one choke point.
//
// Every answer that is not a success is problem details (RFC 9457) with a stable
// reason code. Every call but those of health, metrics, the OpenAPI document and
// runner callbacks needs a bearer token (RFC 6750), which also says in whose
// organization the call acts.
package api
