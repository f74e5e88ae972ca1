//! The routes together, over real parts.
