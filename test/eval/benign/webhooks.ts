import { form, json, lines, send, type Template, texts } from "./template.ts";

const prose = texts("prose");

/** Calls between services. */
export const webhooks: readonly Template[] = [
  {
    name: "stripe",
    make: (d) =>
      json(
        "POST",
        "/hooks/stripe",
        {
          id: `evt_${d.token(24)}`,
          object: "event",
          api_version: "2024-06-20",
          type: "charge.succeeded",
          data: {
            object: {
              id: `ch_${d.token(24)}`,
              amount: d.int(1, 99999),
              billing_details: {
                name: "Siobhán O'Neill",
                address: { line1: "12 St. John's Rd. #4", postal_code: "SW1A 1AA" },
                email: "o'neill@example.com",
              },
              description: 'Order #4711; 2 × "Premium" & gift',
              outcome: { seller_message: "Payment complete." },
              payment_method_details: { card: { brand: "visa", last4: "4242" } },
              receipt_url: `https://pay.stripe.com/receipts/payment/${d.base64url(80)}?s=ap`,
            },
          },
        },
        [["Stripe-Signature", `t=${d.digits(10)},v1=${d.hex(64)},v0=${d.hex(64)}`]],
      ),
  },
  {
    name: "slack-event",
    make: (d) =>
      json(
        "POST",
        "/slack/events",
        {
          token: d.token(24),
          team_id: "T0001",
          event: {
            type: "message",
            user: "U2147483697",
            text: d.turn(lines("chat")),
            blocks: [
              {
                type: "rich_text",
                elements: [{ type: "rich_text_section", elements: [{ type: "text", text: d.turn(prose) }] }],
              },
            ],
            ts: "1741079553.000200",
          },
          event_id: `Ev${d.token(8)}`,
        },
        [["X-Slack-Signature", `v0=${d.hex(64)}`]],
      ),
  },
  {
    name: "slack-command",
    make: (d) =>
      form("/slack/command", [
        ["token", d.token(24)],
        ["team_domain", "acme"],
        ["command", "/deploy"],
        ["text", d.pick(["web to prod; it's urgent", "status | grep web", '"v1.2" --force', "show tables"])],
        ["response_url", `https://hooks.slack.com/commands/T1/${d.digits(12)}/${d.token(24)}`],
      ]),
  },
  {
    name: "slack-post",
    make: (d) =>
      json("POST", "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX", {
        text: d.turn(prose),
        attachments: [
          {
            color: "#36a64f",
            title: "Build <https://ci.example.com/1|#1> & tests",
            fields: [{ title: "Priority", value: "<!here> it's *high*" }],
          },
        ],
      }),
  },
  {
    name: "pagerduty",
    make: (d) =>
      json("POST", "/v2/enqueue", {
        routing_key: d.hex(32),
        event_action: "trigger",
        payload: {
          summary: "CRITICAL: 'web-1' disk / is 95% full (> 90%)",
          source: "web-1",
          severity: "critical",
          custom_details: {
            output: "/dev/sda1  20G  19G  1.0G  95% /",
            query: "avg:system.disk.in_use{device:/dev/sda1} > 0.9",
            command: "check_disk -w 20% -c 10% -p /",
          },
        },
        links: [{ href: "https://grafana.example.com/d/x?orgId=1&var-host=web-1", text: "Dashboard" }],
      }),
  },
  {
    name: "alertmanager",
    make: (d) =>
      json(
        "POST",
        "/alerts",
        {
          version: "4",
          status: "firing",
          groupKey: '{}/{severity=~"^(?:warning|critical)$"}:{alertname="HighLatency"}',
          alerts: [
            {
              labels: { alertname: "HighLatency", instance: "web-1:9100" },
              annotations: {
                description: "p99 > 1s (current value: 1.23s)",
                runbook: "https://runbooks.example.com/HighLatency?x='y'",
              },
              generatorURL: `http://prometheus:9090/graph?g0.expr=${encodeURIComponent("rate(x[5m]) > 1 and on() vector(1)")}&g0.tab=1`,
              fingerprint: d.hex(16),
            },
          ],
        },
        [["User-Agent", "Alertmanager/0.27.0"]],
      ),
  },
  {
    name: "twilio",
    make: (d) =>
      form("/hooks/twilio", [
        ["MessageSid", `SM${d.hex(32)}`],
        ["From", "+4915112345678"],
        ["To", "+442079460958"],
        ["Body", d.turn(lines("chat"))],
        ["NumMedia", "0"],
        ["FromCity", "King's Lynn"],
      ]),
  },
  {
    name: "mailgun",
    make: (d) =>
      form("/hooks/mail", [
        ["sender", "bob@example.com"],
        ["from", '"O\'Brien, Bob" <bob@example.com>'],
        ["subject", "Re: [acme/web] fix: it's <b>done</b> (#42)"],
        [
          "body-plain",
          `${d.turn(prose)}\n\n-- \nBob\nOn Tue, Jan 7, 2025 at 3:14 PM Ann <ann@example.com> wrote:\n> ok?`,
        ],
        [
          "message-headers",
          JSON.stringify([
            [
              "Received",
              "from mail.example.com (mail.example.com [192.0.2.1]) by mx.example.org with ESMTPS id x for <ann@example.com>; Tue, 07 Jan 2025 15:14:00 +0000",
            ],
            ["Content-Type", 'multipart/alternative; boundary="x"'],
            ["Mime-Version", "1.0"],
            ["Subject", "Re: it's done"],
          ]),
        ],
        ["signature", d.hex(64)],
      ]),
  },
  {
    name: "sendgrid",
    make: (d) =>
      json("POST", "/v3/mail/send", {
        personalizations: [
          {
            to: [{ email: "o'brien@example.com", name: "Conan O'Brien" }],
            subject: 'It\'s here: "50% off" & more',
            substitutions: { "-name-": "Ann" },
          },
        ],
        from: { email: "shop@example.com" },
        content: [
          { type: "text/plain", value: d.turn(prose) },
          {
            type: "text/html",
            value:
              '<html><head><style>p { color: #333; } @media (max-width: 600px) { p { font-size: 14px } }</style></head><body><p>Hi {{first_name}}, it\'s <b>here</b>!</p><a href="https://shop.example.com/?a=1&amp;b=2">Shop</a></body></html>',
          },
        ],
      }),
  },
  {
    name: "ses-sns",
    make: (d) =>
      send(
        "POST",
        "/hooks/sns",
        "text/plain; charset=UTF-8",
        JSON.stringify({
          Type: "Notification",
          MessageId: d.uuid(),
          TopicArn: "arn:aws:sns:eu-central-1:123456789012:mail",
          Message: JSON.stringify({
            notificationType: "Bounce",
            bounce: {
              bouncedRecipients: [
                {
                  emailAddress: "o'brien@example.com",
                  diagnosticCode:
                    "smtp; 550 5.1.1 <o'brien@example.com>: Recipient address rejected: User unknown",
                },
              ],
            },
          }),
          SigningCertURL: "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-x.pem",
          UnsubscribeURL:
            "https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:x",
        }),
        [["x-amz-sns-message-type", "Notification"]],
      ),
  },
  {
    name: "paypal-ipn",
    make: (d) =>
      form("/hooks/paypal", [
        ["mc_gross", "19.95"],
        ["protection_eligibility", "Eligible"],
        ["address_street", "1 Main St; Apt. #2"],
        ["payment_date", "20:12:59 Jan 13, 2025 PST"],
        ["first_name", "D'Angelo"],
        ["item_name1", 'T-shirt "I <3 SQL" (L/XL) & cap'],
        ["txn_id", d.token(17)],
        ["charset", "windows-1252"],
        ["custom", JSON.stringify({ uid: 1, note: "it's a gift" })],
      ]),
  },
  {
    name: "shopify",
    make: (d) =>
      json("POST", "/hooks/orders", {
        id: d.int(1, 1e12),
        note: d.turn(prose),
        landing_site: "/?utm_source=x&y='z'",
        line_items: [
          {
            title: 'Men\'s "Classic" Tee - 100% cotton',
            properties: [{ name: "_engraving", value: "Bob & Ann; 4ever <3" }],
            price: "19.99",
          },
        ],
        discount_codes: [{ code: "IT'S-10%" }],
        client_details: { user_agent: "Mozilla/5.0", accept_language: "de-DE,de;q=0.9" },
      }),
  },
  {
    name: "telegram",
    make: (d) =>
      json("POST", `/bot${d.digits(10)}:${d.base64url(26)}/webhook`, {
        update_id: d.int(1, 1e9),
        message: {
          message_id: 1,
          from: { id: 1, first_name: "O'Hara 🎉", language_code: "de" },
          chat: { id: -100123, type: "supergroup", title: "R&D <3" },
          text: d.turn(lines("chat")),
          entities: [{ offset: 0, length: 5, type: "bot_command" }],
        },
      }),
  },
  {
    name: "zapier-hook",
    make: (d) =>
      json("POST", `/hooks/catch/${d.digits(6)}/${d.token(6)}/`, {
        "First Name": "Mary-Jane",
        "Last Name": "O'Connor",
        "What's your question?": d.turn(prose),
        utm: "?a=b&c=d",
        submitted: "03/04/2025 10:12 AM",
      }),
  },
];
