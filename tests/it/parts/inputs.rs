//! Named inputs, as a form and as a script have them, and what a sender hears whose mail lacks one.

use mailjob_testbed::{Answer, Options, Receiver, World};

use super::{PATIENCE, program, replies, settled, to};

#[tokio::test(flavor = "multi_thread")]
async fn inputs_reach_a_form_and_a_script_or_are_asked_for() {
    let world = World::start(Options::default()).await.unwrap();
    let receiver = Receiver::start(|_| Answer::text("received")).await.unwrap();
    let inputs = "[inputs]\n\
        document = { attachments = [\"*.pdf\"], media_type = [\"application/pdf\"], required = true, label = \"The document\" }\n\
        steps = { attachments = [\"*.ddx\"], as = \"list\" }\n\
        number = { match = 'INV-(?<n>\\d+)', in = \"subject\", group = \"n\", type = \"integer\" }\n\
        body = { field = \"body\" }\n\
        queue = { value = 3 }\n";
    let form = format!(
        "{inputs}[webhook]\nurl = \"{}\"\nallow_private_network = true\nbody = \"form\"",
        receiver.url("/form")
    );
    let script = format!(
        "{inputs}[command]\nargv = [\"/bin/sh\", \"-c\", 'for a in \"$@\"; do echo \"<$a>\" | sed s:/.*/::; done; env | grep INPUT_ | sort | sed s:/.*/::', \"sh\", \"--n={{number}}\", \"{{document}}\", \"{{steps}}\", \"{{queue}}\", \"[{{body}}]\"]"
    );
    let mailjob = program(&world, &[("form", form), ("script", script.clone()), ("asked", script)]).await;
    for name in ["form", "script"] {
        let mail = to(name)
            .attach("plan.pdf", "application/pdf", b"%PDF-1.4 plan")
            .attach("one.ddx", "application/xml", b"<DDX/>")
            .attach("two.ddx", "application/xml", b"<DDX>2</DDX>")
            .attach("other.txt", "text/plain", b"not asked for");
        world
            .dovecot
            .deliver(&format!("{name}@example.test"), &mail.bytes())
            .await
            .unwrap();
    }
    let without = to("asked").attach("plan.pdf", "application/pdf", b"this is no document");
    world
        .dovecot
        .deliver("asked@example.test", &without.bytes())
        .await
        .unwrap();

    let requests = receiver.wait_for(1, PATIENCE).await.unwrap();
    let fields = form_fields(requests[0].header("content-type"), &requests[0].body);
    let told: Vec<_> = fields
        .iter()
        .map(|(name, file, content)| (name.as_str(), file.as_str(), content.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("body", "", "Please do this."),
            ("document", "plan.pdf", "%PDF-1.4 plan"),
            ("number", "", "42"),
            ("queue", "", "3"),
            ("steps", "one.ddx", "<DDX/>"),
            ("steps", "two.ddx", "<DDX>2</DDX>"),
        ]
    );

    let reply = replies(&world, &mailjob, "script", 1).await;
    assert_eq!(
        reply[0].text,
        "<--n=42>\n<plan.pdf>\n<one.ddx>\n<two.ddx>\n<3>\n<[Please do this.]>\n\
         MAILJOB_INPUT_BODY=Please do this.\nMAILJOB_INPUT_DOCUMENT=plan.pdf\nMAILJOB_INPUT_NUMBER=42\nMAILJOB_INPUT_QUEUE=3\n\
         MAILJOB_INPUT_STEPS=one.ddx"
    );

    let asked = replies(&world, &mailjob, "asked", 1).await;
    assert!(
        asked[0]
            .text
            .contains("The document is missing: attach a file that is named like *.pdf."),
        "{asked:?}"
    );
    settled(&world, &mailjob, "asked", "Failed").await;
}

/// Name, file name and content of each field of a form.
fn form_fields(content_type: &str, body: &[u8]) -> Vec<(String, String, String)> {
    let boundary = content_type.split_once("boundary=").unwrap().1;
    let body = String::from_utf8(body.to_vec()).unwrap();
    let mark = format!("--{boundary}");
    let parts = body.split(&mark).filter(|part| part.contains("form-data"));
    let field = |part: &str| {
        let (head, content) = part.split_once("\r\n\r\n").unwrap();
        let parameter = |name: &str| {
            let found = head
                .split_once(&format!(" {name}=\""))
                .map(|(_, rest)| rest.split('"').next().unwrap());
            found.unwrap_or_default().to_owned()
        };
        let content = content.strip_suffix("\r\n").unwrap().trim_end();
        (parameter("name"), parameter("filename"), content.to_owned())
    };
    parts.map(field).collect()
}
