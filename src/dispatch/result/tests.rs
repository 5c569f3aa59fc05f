use std::io::Read;

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::{
    config::{NamePiece, NameToken, Oversize, braces},
    job::Reason,
};

fn facts() -> ResultNaming {
    ResultNaming {
        job: JobId(Uuid::from_u128(7)),
        day: NaiveDate::from_ymd_opt(2026, 11, 25).unwrap(),
        source: "scan".into(),
    }
}

fn file(name: &str, data: &[u8]) -> ResultFile {
    ResultFile {
        name: name.into(),
        media_type: "application/pdf".into(),
        data: Bytes::copy_from_slice(data),
    }
}

fn answer(files: Vec<ResultFile>) -> Answer {
    Answer {
        text: Some("printed".into()),
        files,
        data: None,
        flaw: None,
    }
}

fn template(text: &str) -> Vec<NamePiece> {
    let piece = |piece| match piece {
        braces::TextPiece::Text(text) => NamePiece::Text(text),
        braces::TextPiece::Name(name) => {
            NamePiece::Token(NameToken::ALL.iter().find(|(known, _)| *known == name).unwrap().1)
        }
    };
    braces::pieces(text).unwrap().into_iter().map(piece).collect()
}

fn names(wanted: Option<&str>, files: &[&str]) -> Vec<String> {
    let output = Output {
        name: wanted.map(template),
        ..Output::default()
    };
    let files = files.iter().map(|name| file(name, b"x")).collect();
    let finished = finish(answer(files), &Bytes::new(), &output, &facts());
    finished.files.into_iter().map(|file| file.name).collect()
}

#[test]
fn names_are_predictable() {
    let job = facts().job.to_string();
    for (wanted, files, expected) in [
        (None, &["a.pdf", "b.pdf"][..], vec!["a.pdf", "b.pdf"]),
        (
            None,
            &["out.pdf", "out.pdf", "OUT.pdf"],
            vec!["out.pdf", "out_1.pdf", "OUT_2.pdf"],
        ),
        (None, &[""], vec!["result.pdf"]),
        (Some("{stem}.{ext}"), &["Angebot Ä.PDF"], vec!["Angebot Ä.PDF"]),
        (Some("{stem}.{ext}"), &["archive.tar.gz"], vec!["archive.tar.gz"]),
        (Some("{stem}.{ext}"), &["noext"], vec!["noext.pdf"]),
        (Some("{stem}.{ext}"), &[""], vec!["scan.pdf"]),
        (
            Some("out.{ext}"),
            &["a.pdf", "b.pdf", "c.pdf"],
            vec!["out.pdf", "out_1.pdf", "out_2.pdf"],
        ),
        (
            Some("{source}-{n}.{ext}"),
            &["a.ps", "b.ps"],
            vec!["scan-1.ps", "scan-2.ps"],
        ),
        (Some("{date}_{stem}"), &["a.ps"], vec!["2026-11-25_a"]),
        (Some("{job}.{ext}"), &["a.ps"], vec![&*format!("{job}.ps")]),
        (Some("../../{stem}/x.{ext}"), &["a.ps"], vec!["x.ps"]),
        (Some("{{{stem}}}"), &["a.ps"], vec!["{a}"]),
    ] {
        assert_eq!(names(wanted, files), expected, "{wanted:?} {files:?}");
    }
}

#[test]
fn text_and_data_are_from_where_they_should_be() {
    let raw = Bytes::from_static(br#"{"say": "two words", "n": 7, "list": [1], "no": null}"#);
    let placed = |text: TextFrom, data: Option<DataFrom>| {
        let output = Output {
            text,
            data,
            ..Output::default()
        };
        let files = vec![
            file("say.txt", b"from a file\r\n"),
            file("data.json", b"[1, 2]"),
            file("bad.json", b"["),
        ];
        finish(answer(files), &raw, &output, &facts())
    };
    let json = |pointer: &str| TextFrom::Json(pointer.into());
    for (text, expected) in [
        (TextFrom::Stdout, Some("printed")),
        (TextFrom::Nothing, None),
        (TextFrom::File("say.txt".into()), Some("from a file")),
        (json("/say"), Some("two words")),
        (json("/n"), Some("7")),
        (json("/no"), None),
        (json("/missing/deep"), None),
    ] {
        let files = if matches!(text, TextFrom::File(_)) { 2 } else { 3 };
        let placed = placed(text.clone(), None);
        assert_eq!(placed.text.as_deref(), expected, "{text:?}");
        assert_eq!((placed.files.len(), placed.flaw), (files, None), "{text:?}");
    }
    let data = |from| placed(TextFrom::Stdout, Some(from)).data.unwrap();
    assert_eq!(data(DataFrom::File("data.json".into())), json!([1, 2]));
    assert_eq!(data(DataFrom::Json("/list".into())), json!([1]));
    assert_eq!(data(DataFrom::Json(String::new()))["n"], 7);
    // The work is done: what is missing costs itself alone.
    for (wrong, text, files) in [
        (placed(TextFrom::File("none.txt".into()), None), None, 3),
        (placed(json("/list"), None), None, 3),
        (
            placed(TextFrom::Stdout, Some(DataFrom::File("bad.json".into()))),
            Some("printed"),
            2,
        ),
        (
            placed(TextFrom::Stdout, Some(DataFrom::File("none.json".into()))),
            Some("printed"),
            3,
        ),
    ] {
        assert_eq!(
            (wrong.text.as_deref(), wrong.files.len(), &wrong.data),
            (text, files, &None),
            "{wrong:?}"
        );
        assert_eq!(wrong.flaw.unwrap().reason, Reason::BadAnswer);
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_json_and_too_much_data_is_left_out() {
    let output = Output {
        text: TextFrom::Json("/say".into()),
        data: Some(DataFrom::Json("/data".into())),
        ..Output::default()
    };
    let raw = Bytes::from_static(b"\xef\xbb\xbf{\"say\": \"it\", \"data\": 1}");
    let placed = finish(answer(vec![]), &raw, &output, &facts());
    assert_eq!(
        (placed.text.as_deref(), placed.data, placed.flaw),
        (Some("it"), Some(json!(1)), None)
    );
    let large = json!({ "say": "it", "data": "x".repeat(MAX_DATA) }).to_string();
    let placed = finish(answer(vec![]), &large.into(), &output, &facts());
    assert_eq!((placed.text.as_deref(), placed.data), (Some("it"), None));
    assert!(placed.flaw.unwrap().detail.contains("the data has"));
    let lost = Answer::unusable("the answer broke off");
    let placed = finish(lost.clone(), &Bytes::new(), &output, &facts());
    assert_eq!(placed, lost, "said once");
}

fn limited(oversize: Oversize, sizes: &[usize]) -> Answer {
    let output = Output {
        max_size: 10_000,
        oversize,
        ..Output::default()
    };
    // What can't be packed, by a simple generator.
    let mut state = 1u32;
    let mut noise = |size| {
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        std::iter::repeat_with(next).take(size).collect::<Vec<_>>()
    };
    let files = (1..).zip(sizes).map(|(n, &size)| match size {
        size if size > 100_000 => file(&format!("{n}.bin"), &noise(size - 100_000)),
        size => file(&format!("{n}.bin"), &vec![b'x'; size]),
    });
    let files = files.collect();
    finish(answer(files), &Bytes::new(), &output, &facts())
}

#[test]
fn what_is_too_large_is_refused_left_out_or_packed() {
    let fits = limited(Oversize::Refuse, &[7_300]);
    assert_eq!(
        (fits.files.len(), fits.flaw),
        (1, None),
        "7300 bytes are 9994 in a mail"
    );
    let refused = limited(Oversize::Refuse, &[7_310]);
    assert_eq!(refused.files, []);
    assert_eq!(refused.flaw.unwrap().reason, Reason::Oversize);
    assert_eq!(
        refused.text.as_deref(),
        Some(
            "printed\n\nThe work is done, but its result is too large for a mail. The result has 9 KiB, and 9 KiB may be mailed."
        )
    );

    let dropped = limited(Oversize::Drop, &[3_000, 9_000, 3_000]);
    let kept: Vec<_> = dropped.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(kept, ["1.bin", "3.bin"]);
    assert_eq!(
        dropped.text.as_deref(),
        Some("printed\n\nLeft out, because it is too large for a mail:\n  2.bin (8 KiB)")
    );

    let packed = limited(Oversize::Zip, &[9_000, 9_000]);
    let [zipped] = packed.files.as_slice() else {
        panic!("one file");
    };
    assert_eq!(
        (zipped.name.as_str(), zipped.media_type.as_str()),
        ("scan.zip", "application/zip")
    );
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&zipped.data)).unwrap();
    let mut content = Vec::new();
    archive.by_name("2.bin").unwrap().read_to_end(&mut content).unwrap();
    assert_eq!(content, [b'x'; 9_000]);
    for sizes in [&[109_000][..], &[50_000]] {
        let refused = limited(Oversize::Zip, sizes);
        assert_eq!(refused.flaw.unwrap().reason, Reason::Oversize, "{sizes:?}");
        assert_eq!(refused.files, []);
    }
}
