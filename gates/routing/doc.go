// Package routing decides how a Case is handled: who owns it, how urgent it is, by
// when somebody has to respond and to resolve it, who hears of it when nobody does,
// and which Tasks it begins with.
//
//	facts ──► Severity ──► Route(facts, rules) ──► cases.Route, Explanation
//
// It is pure. The rules are tried in their order, and the first that matches decides;
// there is always a default. They are the config of a policy rule of type
// "case_routing", or those that are built in. The same facts under the same rules are
// the same route, byte for byte.
package routing
