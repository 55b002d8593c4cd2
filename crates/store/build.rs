//! `sqlx::migrate!` embeds `migrations/` at compile time; a new file there must cause a new build.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
