//! Nothing but benchmarks: see `benches/`, one file a question, and README.md beside this folder for how to read them.
