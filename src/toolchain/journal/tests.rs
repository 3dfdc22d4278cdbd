//! Journals on a real disk: half lines, strangers in the file's place, lines that were moved.
//! Nothing is written outside a temporary folder.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;

use serde_json::json;
use tempfile::TempDir;

use super::*;

fn place() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("below/audit.log");
    (folder, path)
}

fn line(number: u64) -> Value {
    json!({ "schema": 1, "run": number })
}

fn runs(reading: &Reading) -> Vec<(usize, u64)> {
    let run = |(number, value): &(usize, Value)| (*number, value["run"].as_u64().unwrap());
    reading.lines.iter().map(run).collect()
}

fn chain(count: u64) -> (TempDir, Journal) {
    let (folder, path) = place();
    let journal = Journal::chained(path);
    (1..=count).for_each(|run| journal.append(&line(run)).unwrap());
    (folder, journal)
}

/// The lines of the file, changed by `edit`.
fn rewrite(journal: &Journal, edit: impl FnOnce(&mut Vec<String>)) -> Reading {
    let text = fs::read_to_string(journal.path()).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    edit(&mut lines);
    fs::write(journal.path(), lines.join("\n") + "\n").unwrap();
    journal.read().unwrap()
}

#[test]
fn lines_come_back_in_order_with_their_numbers_and_a_missing_journal_is_empty() {
    let (_folder, path) = place();
    let journal = Journal::new(path);
    assert_eq!(journal.read().unwrap(), Reading::default());
    journal.append(&line(1)).unwrap();
    journal.append(&line(2)).unwrap();
    assert_eq!(runs(&journal.read().unwrap()), [(1, 1), (2, 2)]);
    assert_eq!(
        fs::read_to_string(journal.path()).unwrap(),
        "{\"schema\":1,\"run\":1}\n{\"schema\":1,\"run\":2}\n"
    );
}

#[test]
fn a_line_without_a_schema_number_is_a_bug_and_an_endless_one_is_refused() {
    let (_folder, path) = place();
    let journal = Journal::new(path);
    for value in [json!({ "run": 1 }), json!([1]), json!({ "schema": "1" })] {
        assert_eq!(journal.append(&value).unwrap_err().code(), "journal-line-malformed");
    }
    let long = json!({ "schema": 1, "text": "x".repeat(1 << 20) });
    assert_eq!(journal.append(&long).unwrap_err().code(), "journal-line-too-long");
    assert_eq!(journal.read().unwrap(), Reading::default());
}

#[test]
fn k06_a_half_line_of_a_killed_run_is_closed_and_nothing_merges_with_it() {
    let (_folder, journal) = chain(2);
    let mut file = fs::OpenOptions::new().append(true).open(journal.path()).unwrap();
    file.write_all(b"{\"schema\":1,\"ru").unwrap();
    assert_eq!(journal.read().unwrap().damaged, [3]);
    journal.append(&line(4)).unwrap();
    journal.append(&line(5)).unwrap();
    let reading = journal.read().unwrap();
    assert_eq!(runs(&reading), [(1, 1), (2, 2), (4, 4), (5, 5)]);
    assert_eq!((reading.damaged, reading.broken), (vec![3], vec![]));
    assert!(fs::read_to_string(journal.path()).unwrap().contains("\n{\"schema\":1,\"ru\n"));
}

#[test]
fn k06_a_line_that_only_lacks_its_newline_stays_a_good_line() {
    let (_folder, journal) = chain(2);
    let text = fs::read_to_string(journal.path()).unwrap();
    fs::write(journal.path(), text.trim_end()).unwrap();
    journal.append(&line(3)).unwrap();
    let reading = journal.read().unwrap();
    assert_eq!(runs(&reading), [(1, 1), (2, 2), (3, 3)]);
    assert_eq!((reading.damaged, reading.broken), (vec![], vec![]));
}

#[test]
fn k06_binary_and_foreign_lines_are_told_by_number_and_kept() {
    let (_folder, path) = place();
    let journal = Journal::new(path);
    journal.append(&line(1)).unwrap();
    let noise = b"\x00\xff\xfe\x1b[2J\r\n\n[1]\n{\"schema\":\"x\"}\n".as_slice();
    let deep = format!("{}\n", "[".repeat(100_000));
    let mut file = fs::OpenOptions::new().append(true).open(journal.path()).unwrap();
    file.write_all(noise).unwrap();
    file.write_all(deep.as_bytes()).unwrap();
    journal.append(&line(2)).unwrap();
    let reading = journal.read().unwrap();
    assert_eq!(runs(&reading), [(1, 1), (7, 2)]);
    assert_eq!(reading.damaged, [2, 3, 4, 5, 6]);
    let bytes = fs::read(journal.path()).unwrap();
    assert!(bytes.windows(noise.len()).any(|window| window == noise), "kept as it was");
}

#[test]
fn k06_a_link_a_folder_and_a_fifo_in_its_place_are_refused_and_left_alone() {
    let (folder, path) = place();
    let victim = folder.path().join("passwd");
    fs::write(&victim, "root:x:0:0\n").unwrap();
    fs::create_dir(path.parent().unwrap()).unwrap();
    let journal = Journal::chained(path.clone());
    let refused = |what: &str| {
        for error in [journal.append(&line(1)).unwrap_err(), journal.read().unwrap_err()] {
            assert_eq!(error.code(), "not-a-regular-file", "{what}: {error}");
            assert!(error.to_string().contains("audit.log"), "{what}: {error}");
        }
    };
    symlink(&victim, &path).unwrap();
    refused("a link to a file of another");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "root:x:0:0\n");
    fs::remove_file(&path).unwrap();
    symlink("nowhere", &path).unwrap();
    refused("a dangling link");
    assert!(fs::symlink_metadata(path.with_file_name("nowhere")).is_err());
    fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    refused("a FIFO");
}

#[test]
fn k06_a_huge_journal_is_not_loaded_and_what_was_passed_over_is_told() {
    let (_folder, path) = place();
    fs::create_dir(path.parent().unwrap()).unwrap();
    let mut file = fs::File::create(&path).unwrap();
    file.write_all(b"{\"schema\":1,\"run\":0}\n").unwrap();
    // A hole: the file is long and takes no room.
    file.set_len(128 << 20).unwrap();
    let journal = Journal::chained(path);
    journal.append(&line(1)).unwrap();
    journal.append(&line(2)).unwrap();
    let reading = journal.read().unwrap();
    assert_eq!(runs(&reading), [(3, 1), (4, 2)]);
    assert!(reading.skipped >= (128 << 20) - TAIL, "{}", reading.skipped);
    assert_eq!(reading.broken, Vec::<usize>::new());
}

#[test]
fn k06_writers_at_once_give_whole_lines_and_one_chain() {
    let (_folder, journal) = chain(1);
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let journal = &journal;
            scope.spawn(move || {
                (0..20).for_each(|run| journal.append(&line(100 * writer + run)).unwrap());
            });
        }
    });
    let reading = journal.read().unwrap();
    assert_eq!(reading.lines.len(), 161);
    assert_eq!((reading.damaged, reading.broken), (vec![], vec![]));
}

#[test]
fn k07_a_line_that_is_changed_removed_or_put_in_shows_in_the_line_after_it() {
    let (_folder, journal) = chain(5);
    assert_eq!(journal.read().unwrap().broken, Vec::<usize>::new());
    let untouched = fs::read(journal.path()).unwrap();
    let again = || fs::write(journal.path(), &untouched).unwrap();
    let changed = rewrite(&journal, |lines| lines[2] = lines[2].replace("\"run\":3", "\"run\":9"));
    assert_eq!(changed.broken, [4], "changed");
    again();
    assert_eq!(rewrite(&journal, |lines| drop(lines.remove(2))).broken, [3], "removed");
    again();
    assert_eq!(rewrite(&journal, |lines| drop(lines.remove(0))).broken, [1], "the first");
    again();
    let forged = line(7).to_string();
    assert_eq!(rewrite(&journal, |lines| lines.insert(2, forged)).broken, [3, 4], "put in");
    again();
    assert_eq!(rewrite(&journal, |lines| lines.swap(1, 2)).broken, [2, 3, 4], "swapped");
    journal.append(&line(6)).unwrap();
    assert_eq!(journal.read().unwrap().broken, [2, 3, 4], "later lines do not hide it");
}
