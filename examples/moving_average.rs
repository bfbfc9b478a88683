//! The moving average of 3 rows in three ways, and what one of them loses.

use hotloop::ndarray::array;

/// Prints the averages.
///
/// # Errors
/// None: the program is right.
pub fn main() -> hotloop::Result<()> {
    // A large element, then small ones.
    let x = array![1e16, 1.0, 2.0, 3.0, 4.0, 5.0];
    let program = hotloop::compile(
        "window = rolling_mean(x, 3)
         slices = (x + shift(x, 1) + shift(x, 2)) / 3
         total  = cumsum(x)
         sums   = (total - shift(total, 3)) / 3
         window, slices, sums",
    )?;
    let mut means = program.eval([("x", &x)])?;
    let [window, slices, sums] =
        [means.take("window")?, means.take("slices")?, means.take("sums")?];
    println!("window  {window}\nslices  {slices}\nsums    {sums}");
    // The window knows the elements in it only.
    assert_eq!(window.as_slice().map(|mean| &mean[3..]), Some(&[2.0, 3.0, 4.0][..]));
    // So do the slices, with more work for each row of a longer window.
    assert_eq!(slices.as_slice().map(|mean| &mean[3..]), Some(&[2.0, 3.0, 4.0][..]));
    // The sum up to a row has rounded the small elements away, and their difference is wrong.
    let sums: Vec<f64> = sums.iter().skip(3).copied().collect();
    assert_ne!(sums, [2.0, 3.0, 4.0]);
    Ok(())
}
