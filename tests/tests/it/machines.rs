//! Small machines: without time zones of their own, without room for what is thrown away.

use std::process::Output;

use tokio::process::Command;

use crate::support::{World, text};

/// Runs the program where a folder of the machine is another one; `None`: this machine does not permit that.
async fn with_mount(
    world: &World,
    mount: &str,
    variables: &[(&str, &str)],
    arguments: &[&str],
) -> Option<Output> {
    let program = world.canopy(arguments);
    let program = program.as_std();
    let mut command = Command::new("unshare");
    let script = format!("{mount} || exit 99; exec \"$@\"");
    command.args(["-m", "sh", "-c", &script, "sh"]);
    command.arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.envs(variables.iter().copied());
    if let Some(folder) = program.get_current_dir() {
        command.current_dir(folder);
    }
    let output = command.output().await.ok()?;
    let is_refused =
        output.status.code() == Some(99) || text(&output.stderr).contains("unshare failed");
    (!is_refused).then_some(output)
}

#[tokio::test(flavor = "multi_thread")]
async fn time_zones_come_with_the_program() {
    let world = World::new().await;
    let folder = world.path("flows");
    std::fs::create_dir(&folder).unwrap();
    let workflow = "id = \"m\"\ntitle = \"M\"\non = { schedule = \"0 9 1 7 *\", timezone = \"Australia/Lord_Howe\" }\n\n[[do]]\nid = \"s\"\naction = \"profile.save\"\n";
    std::fs::write(folder.join("m.toml"), workflow).unwrap();
    world.write_config(&format!("workflows = \"flows\"\n{}", world.config()));
    let mount = "mount -t tmpfs none /usr/share/zoneinfo";
    let Some(output) = with_mount(
        &world,
        mount,
        &[("TZDIR", "/nowhere")],
        &["check", "--offline"],
    )
    .await
    else {
        eprintln!("skipped: this machine permits no mounts");
        return;
    };
    let told = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{told}{}",
        text(&output.stderr)
    );
    assert!(told.contains("0 9 1 7 * (Australia/Lord_Howe): "), "{told}");
    assert!(told.contains("-07-01 09:00 +1030"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_folder_that_is_absent_or_full_is_named() {
    let world = World::new().await;
    world.write_config(&world.config());
    let output = world
        .canopy(&["run", "--dry-run"])
        .env("TMPDIR", "/nowhere/at/all")
        .output()
        .await
        .unwrap();
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("no folder can be made in /nowhere/at/all") && told.contains("TMPDIR"),
        "{told}"
    );

    world.succeed(&["run", "--once"]).await;
    let full = world.path("small");
    std::fs::create_dir(&full).unwrap();
    let full = full.display().to_string();
    // What it will take is said before.
    let output = world.output(&["run", "--dry-run"]).await;
    let told = text(&output.stderr);
    assert!(
        told.contains("a dry run works on a copy of the store: up to ") && told.contains(" MB in "),
        "{told}"
    );

    let mount = format!("mount -t tmpfs -o size=64k none {full}");
    let Some(output) =
        with_mount(&world, &mount, &[("TMPDIR", &full)], &["run", "--dry-run"]).await
    else {
        eprintln!("skipped: this machine permits no mounts");
        return;
    };
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains(&format!(
            "the store cannot be copied to {full} (0 MB are free)"
        )),
        "{told}"
    );
    assert!(
        told.contains(" MB there: make room, or name another folder by TMPDIR"),
        "{told}"
    );
    // What is said to be enough is enough, and less is told before anything begins.
    for (size, commands) in [
        (
            "4m",
            [
                &["run", "--dry-run"][..],
                &["simulate", "new-contact"],
                &["demo", "--once"],
            ],
        ),
        (
            "16m",
            [
                &["run", "--dry-run"][..],
                &["simulate", "new-contact"],
                &["demo", "--once", "--no-limits"],
            ],
        ),
    ] {
        for command in commands {
            let mount = format!("mount -t tmpfs -o size={size} none {full}");
            let output = with_mount(&world, &mount, &[("TMPDIR", &full)], command).await;
            let output = output.unwrap();
            let told = text(&output.stderr);
            let is_enough = size == "16m";
            assert_eq!(
                output.status.success(),
                is_enough,
                "{size} {command:?}: {told}"
            );
            assert!(is_enough || told.contains("MB"), "{told}");
            assert!(is_enough || told.contains("by TMPDIR"), "{told}");
        }
    }
}
