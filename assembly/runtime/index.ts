// The runtime of a filter, for asc's `--runtime`: std's TLSF allocator under our collector.
import "rt/tlsf";
import "./collector";
