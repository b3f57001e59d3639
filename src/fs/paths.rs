//! What is done to files and directories by their names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Metadata, Permissions, off};

/// Reads a whole file.
///
/// # Switching
///
/// Always.
///
/// # Errors
///
/// As [`std::fs::read`].
///
/// # Cancellation
///
/// It acts before the call or after it: see the [module](super).
pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let path = path.as_ref().to_owned();
    off(move || fs::read(path))
}

/// Reads a whole file as text; [`InvalidData`](io::ErrorKind::InvalidData) if it is not UTF-8.
///
/// # Switching
///
/// Always.
///
/// # Errors
///
/// As [`std::fs::read_to_string`].
///
/// # Cancellation
///
/// It acts before the call or after it: see the [module](super).
pub fn read_to_string(path: impl AsRef<Path>) -> io::Result<String> {
    let path = path.as_ref().to_owned();
    off(move || fs::read_to_string(path))
}

/// Writes a whole file, in place of what it held, if it was there.
///
/// # Switching
///
/// Always.
///
/// # Errors
///
/// As [`std::fs::write`].
///
/// # Cancellation
///
/// It acts before the call or after it: see the [module](super).
pub fn write(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> io::Result<()> {
    let path = path.as_ref().to_owned();
    let contents = contents.as_ref().to_owned();
    off(move || fs::write(path, contents))
}

/// Copies the contents and the permissions of a file; returns how many bytes.
///
/// # Switching
///
/// Always.
///
/// # Errors
///
/// As [`std::fs::copy`].
///
/// # Cancellation
///
/// It acts before the call or after it: see the [module](super).
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<u64> {
    let (from, to) = (from.as_ref().to_owned(), to.as_ref().to_owned());
    off(move || fs::copy(from, to))
}

/// Renames a file or directory, in place of `to` if that is there.
///
/// # Switching
///
/// Always.
///
/// # Errors
///
/// As [`std::fs::rename`].
///
/// # Cancellation
///
/// It acts before the call or after it: see the [module](super).
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    let (from, to) = (from.as_ref().to_owned(), to.as_ref().to_owned());
    off(move || fs::rename(from, to))
}

/// Gives a file one more name.
///
/// # Switching
///
/// Always.
///
/// # Errors
///
/// As [`std::fs::hard_link`].
///
/// # Cancellation
///
/// It acts before the call or after it: see the [module](super).
pub fn hard_link(original: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
    let (original, link) = (original.as_ref().to_owned(), link.as_ref().to_owned());
    off(move || fs::hard_link(original, link))
}

/// Makes a symbolic link to `original`; std has it as [`std::os::unix::fs::symlink`].
///
/// # Switching
///
/// Always.
///
/// # Errors
///
/// As [`std::os::unix::fs::symlink`].
///
/// # Cancellation
///
/// It acts before the call or after it: see the [module](super).
pub fn symlink(original: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
    let (original, link) = (original.as_ref().to_owned(), link.as_ref().to_owned());
    off(move || std::os::unix::fs::symlink(original, link))
}

/// Removes a file.
///
/// # Switching
///
/// Always.
///
/// # Errors
///
/// As [`std::fs::remove_file`].
///
/// # Cancellation
///
/// It acts before the call or after it: see the [module](super).
pub fn remove_file(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref().to_owned();
    off(move || fs::remove_file(path))
}

/// Makes a directory, in one that is there.
///
/// # Switching
///
/// Always.
///
/// # Errors
///
/// As [`std::fs::create_dir`].
///
/// # Cancellation
///
/// It acts before the call or after it: see the [module](super).
pub fn create_dir(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref().to_owned();
    off(move || fs::create_dir(path))
}

/// Makes a directory and those above it that are missing.
///
/// # Switching
///
/// Always.
///
/// # Errors
///
/// As [`std::fs::create_dir_all`].
///
/// # Cancellation
///
/// It acts before the call or after it: see the [module](super).
pub fn create_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref().to_owned();
    off(move || fs::create_dir_all(path))
}

/// Removes an empty directory.
///
/// # Switching
///
/// Always.
///
/// # Errors
///
/// As [`std::fs::remove_dir`].
///
/// # Cancellation
///
/// It acts before the call or after it: see the [module](super).
pub fn remove_dir(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref().to_owned();
    off(move || fs::remove_dir(path))
}

/// Removes a directory with all that is in it, following no symbolic link.
///
/// # Switching
///
/// Always.
///
/// # Errors
///
/// As [`std::fs::remove_dir_all`].
///
/// # Cancellation
///
/// It acts before the call or after it: see the [module](super).
pub fn remove_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref().to_owned();
    off(move || fs::remove_dir_all(path))
}

/// Tells about a file or directory, following symbolic links.
///
/// # Switching
///
/// Always.
///
/// # Errors
///
/// As [`std::fs::metadata`].
///
/// # Cancellation
///
/// It acts before the call or after it: see the [module](super).
pub fn metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    let path = path.as_ref().to_owned();
    off(move || fs::metadata(path))
}

/// Tells about a file, directory or symbolic link, following none.
///
/// # Switching
///
/// Always.
///
/// # Errors
///
/// As [`std::fs::symlink_metadata`].
///
/// # Cancellation
///
/// It acts before the call or after it: see the [module](super).
pub fn symlink_metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    let path = path.as_ref().to_owned();
    off(move || fs::symlink_metadata(path))
}

/// Sets the permissions of a file or directory.
///
/// # Switching
///
/// Always.
///
/// # Errors
///
/// As [`std::fs::set_permissions`].
///
/// # Cancellation
///
/// It acts before the call or after it: see the [module](super).
pub fn set_permissions(path: impl AsRef<Path>, permissions: Permissions) -> io::Result<()> {
    let path = path.as_ref().to_owned();
    off(move || fs::set_permissions(path, permissions))
}

/// Returns the absolute path without symbolic links.
///
/// # Switching
///
/// Always.
///
/// # Errors
///
/// As [`std::fs::canonicalize`].
///
/// # Cancellation
///
/// It acts before the call or after it: see the [module](super).
pub fn canonicalize(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    let path = path.as_ref().to_owned();
    off(move || fs::canonicalize(path))
}

/// Returns where a symbolic link leads.
///
/// # Switching
///
/// Always.
///
/// # Errors
///
/// As [`std::fs::read_link`].
///
/// # Cancellation
///
/// It acts before the call or after it: see the [module](super).
pub fn read_link(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    let path = path.as_ref().to_owned();
    off(move || fs::read_link(path))
}

/// Tells whether there is something at `path`; an error if that cannot be known.
///
/// # Switching
///
/// Always.
///
/// # Errors
///
/// As [`std::fs::exists`].
///
/// # Cancellation
///
/// It acts before the call or after it: see the [module](super).
pub fn exists(path: impl AsRef<Path>) -> io::Result<bool> {
    let path = path.as_ref().to_owned();
    off(move || fs::exists(path))
}
