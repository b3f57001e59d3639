//! The behaviour tests: one binary, one module for each public module of the crate, under the same name.

mod corners;
mod floors;
mod from_greenlet;
mod generator;
mod greenlet;
mod net;
mod net_errors;
mod park_table;
mod runtime;
mod support;
mod thread;
mod time;
mod wait;
