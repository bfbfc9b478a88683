//! Code of both widths, executed and compared with block kernels.

mod evaluator;
