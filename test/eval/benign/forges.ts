import { form, json, lines, type Template, texts } from "./template.ts";

const commits = lines("commits");
const diffs = texts("diffs");
const markdown = texts("markdown");
const prose = texts("prose");

/** Calls from and to forges and issue trackers. */
export const forges: readonly Template[] = [
  {
    name: "github-push",
    make: (d) =>
      json(
        "POST",
        "/hooks/github",
        {
          ref: "refs/heads/feature/o'brien-select",
          before: d.hex(40),
          after: d.hex(40),
          repository: {
            id: d.int(1, 1e9),
            full_name: "acme/web",
            html_url: "https://github.com/acme/web",
            description: "Shop & blog – it's <fast>",
            ssh_url: "git@github.com:acme/web.git",
            archive_url: "https://api.github.com/repos/acme/web/{archive_format}{/ref}",
            keys_url: "https://api.github.com/repos/acme/web/keys{/key_id}",
          },
          pusher: { name: "o-brien", email: "siobhan.o'neill@example.com" },
          commits: [0, 1, 2].map((i) => ({
            id: d.hex(40),
            message: `${commits[(d.round + i * 5) % commits.length]}\n\nSigned-off-by: Bob <bob@example.com>`,
            timestamp: "2025-03-04T10:12:33+01:00",
            author: { name: "Conan O'Brien", username: "conan" },
            added: ["src/select.sql", ".env.example"],
            removed: [],
            modified: ["../README.md".slice(3), "bin/run.sh"],
          })),
        },
        [
          ["User-Agent", "GitHub-Hookshot/0a1b2c3"],
          ["X-GitHub-Event", "push"],
          ["X-GitHub-Delivery", d.uuid()],
          ["X-Hub-Signature-256", `sha256=${d.hex(64)}`],
        ],
      ),
  },
  {
    name: "github-form",
    make: (d) =>
      form(
        "/hooks/github",
        [
          [
            "payload",
            JSON.stringify({
              action: "opened",
              issue: {
                number: d.int(1, 999),
                title: d.turn(commits),
                body: d.turn(markdown),
                labels: [{ name: "type: bug" }],
                user: { login: "o-brien", type: "User" },
              },
            }),
          ],
        ],
        [
          ["User-Agent", "GitHub-Hookshot/0a1b2c3"],
          ["X-GitHub-Event", "issues"],
        ],
      ),
  },
  {
    name: "github-comment",
    make: (d) =>
      json(
        "POST",
        "/repos/acme/web/issues/42/comments",
        { body: `> ${d.turn(prose)}\n\n${d.turn(markdown)}` },
        [
          ["Authorization", `token ghp_${d.token(36)}`],
          ["User-Agent", "octokit.js/3.1.2"],
        ],
      ),
  },
  {
    name: "github-review",
    make: (d) =>
      json("POST", "/repos/acme/web/pulls/42/reviews", {
        commit_id: d.hex(40),
        event: "COMMENT",
        comments: [
          {
            path: "src/db.js",
            position: 6,
            body: `I'd write \`a ?? b\` here; \n\`\`\`suggestion\n${d.turn(diffs).split("\n").at(-2)}\n\`\`\``,
          },
        ],
      }),
  },
  {
    name: "patch-upload",
    make: (d) => json("POST", "/api/patches", { title: d.turn(commits), diff: d.turn(diffs) }),
  },
  {
    name: "gitlab",
    make: (d) =>
      json(
        "POST",
        "/hooks/gitlab",
        {
          object_kind: "merge_request",
          user: { username: "o.brien" },
          object_attributes: {
            iid: d.int(1, 99),
            title: `Draft: ${d.turn(commits)}`,
            description: d.turn(markdown),
            source_branch: "fix/union-select",
            target_branch: "main",
            state: "opened",
            last_commit: { message: d.turn(commits) },
            url: "https://gitlab.example.com/acme/web/-/merge_requests/1",
          },
          changes: {
            updated_at: { previous: "2025-03-04 10:12:33 UTC", current: "2025-03-04 10:13:33 UTC" },
          },
        },
        [
          ["X-Gitlab-Token", d.token(20)],
          ["X-Gitlab-Event", "Merge Request Hook"],
        ],
      ),
  },
  {
    name: "bitbucket",
    make: (d) =>
      json("POST", "/hooks/bitbucket", {
        push: {
          changes: [
            {
              new: { name: "main", target: { message: d.turn(commits), date: "2025-03-04T10:12:33+00:00" } },
              links: { diff: { href: "https://api.bitbucket.org/2.0/repositories/a/b/diff/x..y" } },
            },
          ],
        },
        actor: { display_name: "Null, Jennifer" },
      }),
  },
  {
    name: "jira",
    make: (d) =>
      json("POST", "/hooks/jira", {
        webhookEvent: "jira:issue_updated",
        issue: {
          key: `WEB-${d.int(1, 999)}`,
          fields: {
            summary: d.turn(commits),
            description: `h2. Steps\n# Open [the page|https://example.com/?a=1&b=2]\n# Click *Save*\n{code:sql}\n${d.turn(texts("sql"))}\n{code}\n{noformat}\n${d.turn(texts("logs"))}\n{noformat}`,
          },
        },
        changelog: { items: [{ field: "status", fromString: "To Do", toString: "In Progress" }] },
      }),
  },
];
