//! What is decided about a text: a file a topic, a table a rule, each with what once went wrong there.
#![allow(missing_docs, reason = "tests")]

mod coaches;
mod ideas;
mod joining;
mod pages;
mod properties;
mod roles;
mod texter;
mod words;
