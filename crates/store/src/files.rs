//! Files and folders that only their owner may read. Elsewhere than on Unix the system's own defaults stand.

use std::fs::{DirBuilder, Metadata, OpenOptions};
use std::io;
use std::path::Path;

#[cfg(unix)]
pub(crate) fn mode(metadata: &Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o7777
}

#[cfg(not(unix))]
pub(crate) fn mode(_metadata: &Metadata) -> u32 {
    0o600
}

/// Gives the file mode 0600 if it is created.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Creates the missing folders on the way to `path` with mode 0700.
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Gives a whole file its name, for good: never over another file, and durable with its folder.
pub(crate) fn put_in_place(from: &Path, to: &Path) -> io::Result<()> {
    OpenOptions::new().read(true).open(from)?.sync_all()?;
    // A link, not a renaming, as the latter takes the place of a file that came in the meantime. Not every file system
    // has links.
    match std::fs::hard_link(from, to) {
        Ok(()) => std::fs::remove_file(from)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        Err(_) => std::fs::rename(from, to)?,
    }
    #[cfg(unix)]
    if let Some(folder) = to.parent() {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        OpenOptions::new().read(true).open(folder)?.sync_all()?;
    }
    Ok(())
}
