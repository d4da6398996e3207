/// Makes a JSON Pointer (RFC 6901) from names as they are.
///
/// ```
/// assert_eq!(twinfront::pointer(["a/b", "c"]), "/a~1b/c");
/// ```
pub fn pointer<I>(names: I) -> String
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    let mut pointer = String::new();
    for name in names {
        pointer.push('/');
        for character in name.as_ref().chars() {
            match character {
                '~' => pointer.push_str("~0"),
                '/' => pointer.push_str("~1"),
                other => pointer.push(other),
            }
        }
    }
    pointer
}

/// A path in a [`Patch`](crate::Patch): a JSON Pointer (`"/address/city"`), or names as they are (`["address",
/// "city"]`).
pub trait IntoPointer {
    /// The path as a JSON Pointer.
    fn into_pointer(self) -> String;
}

impl IntoPointer for &str {
    fn into_pointer(self) -> String {
        self.to_owned()
    }
}

impl IntoPointer for &String {
    fn into_pointer(self) -> String {
        self.clone()
    }
}

impl IntoPointer for String {
    fn into_pointer(self) -> String {
        self
    }
}

impl<S: AsRef<str>, const N: usize> IntoPointer for [S; N] {
    fn into_pointer(self) -> String {
        pointer(self)
    }
}

impl<S: AsRef<str>> IntoPointer for &[S] {
    fn into_pointer(self) -> String {
        pointer(self)
    }
}

impl<S: AsRef<str>> IntoPointer for Vec<S> {
    fn into_pointer(self) -> String {
        pointer(self)
    }
}
