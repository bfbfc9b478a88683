//! The smallest use: one expression over two arrays.

use hotloop::ndarray::array;

fn main() -> hotloop::Result<()> {
    let program = hotloop::compile("sin(a)**2 + cos(b)**2")?;
    let (a, b) = (array![0.0, 0.5, 1.0], array![0.0, 0.5, 2.0]);
    let y = program.eval_as::<f64>([("a", &a), ("b", &b)])?;
    assert_eq!(y[[0]], 1.0);
    println!("{y}");
    Ok(())
}
