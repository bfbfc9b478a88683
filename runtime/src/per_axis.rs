//! A number for each axis of an array: its extents, or its strides.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// The number of axes stored inline; more are on the heap.
const IN_PLACE: usize = 4;

/// A number for each axis; stored inline for a few axes.
#[derive(Clone)]
pub struct PerAxis<T>(Numbers<T>);

#[derive(Clone)]
enum Numbers<T> {
    Few(u8, [T; IN_PLACE]),
    Many(Box<[T]>),
}

impl<T> Deref for PerAxis<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match &self.0 {
            Numbers::Few(count, list) => &list[..usize::from(*count)],
            Numbers::Many(list) => list,
        }
    }
}

impl<T> DerefMut for PerAxis<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Numbers::Few(count, list) => &mut list[..usize::from(*count)],
            Numbers::Many(list) => list,
        }
    }
}

impl<'a, T> IntoIterator for &'a PerAxis<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Copy + Default> FromIterator<T> for PerAxis<T> {
    fn from_iter<I: IntoIterator<Item = T>>(numbers: I) -> PerAxis<T> {
        let mut few = [T::default(); IN_PLACE];
        let mut count = 0;
        let mut numbers = numbers.into_iter();
        while let Some(number) = numbers.next() {
            if count == IN_PLACE {
                let many = few.into_iter().chain([number]).chain(numbers);
                return PerAxis(Numbers::Many(many.collect()));
            }
            few[count] = number;
            count += 1;
        }
        PerAxis(Numbers::Few(count as u8, few))
    }
}

impl<T: Copy + Default> From<&[T]> for PerAxis<T> {
    fn from(list: &[T]) -> PerAxis<T> {
        list.iter().copied().collect()
    }
}

impl<T: Copy + Default> From<Vec<T>> for PerAxis<T> {
    fn from(list: Vec<T>) -> PerAxis<T> {
        list.as_slice().into()
    }
}

impl<T: Copy + Default> From<Box<[T]>> for PerAxis<T> {
    fn from(list: Box<[T]>) -> PerAxis<T> {
        if list.len() > IN_PLACE { PerAxis(Numbers::Many(list)) } else { (&*list).into() }
    }
}

impl<T: Copy + Default, const N: usize> From<[T; N]> for PerAxis<T> {
    fn from(list: [T; N]) -> PerAxis<T> {
        list.as_slice().into()
    }
}

impl<T: Copy> From<PerAxis<T>> for Box<[T]> {
    fn from(list: PerAxis<T>) -> Box<[T]> {
        match list.0 {
            Numbers::Few(..) => (*list).into(),
            Numbers::Many(list) => list,
        }
    }
}

impl<T: PartialEq> PartialEq for PerAxis<T> {
    fn eq(&self, other: &PerAxis<T>) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for PerAxis<T> {}

impl<T: fmt::Debug> fmt::Debug for PerAxis<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::PerAxis;

    #[test]
    fn few_and_many() {
        for n in 0..9 {
            let list: Vec<usize> = (1..=n).collect();
            let kept: PerAxis<usize> = list.iter().copied().collect();
            assert_eq!(*kept, *list);
            assert_eq!(kept, PerAxis::from(&list[..]));
            assert_eq!(kept, PerAxis::from(list.clone().into_boxed_slice()));
            assert_eq!(Box::<[usize]>::from(kept), list.into());
        }
    }
}
