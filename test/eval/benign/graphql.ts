import { scripted } from "./browser.ts";
import { get, json, lines, query, type Template, texts } from "./template.ts";

const introspection = `query IntrospectionQuery { __schema { queryType { name } mutationType { name } subscriptionType { name } types { ...FullType } directives { name description locations args { ...InputValue } } } }
fragment FullType on __Type { kind name description fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason } inputFields { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name } possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`;

/** Clients of GraphQL APIs. */
export const graphql: readonly Template[] = [
  {
    name: "relay-list",
    make: (d) =>
      json(
        "POST",
        "/graphql",
        {
          id: d.hex(32),
          query:
            "query OrdersListQuery($first: Int!, $after: String, $where: OrderFilter) {\n  viewer {\n    orders(first: $first, after: $after, where: $where, orderBy: {field: CREATED_AT, direction: DESC}) {\n      edges { cursor node { id ...OrderRow_order } }\n      pageInfo { endCursor hasNextPage }\n    }\n  }\n}\n\nfragment OrderRow_order on Order { name total { amount currencyCode } customer { name } }\n",
          variables: {
            first: 20,
            after: Buffer.from(`cursor:${d.int(1, 999)}`).toString("base64"),
            where: {
              name: { contains: "O'Neill" },
              OR: [{ total: { gt: 10 } }, { status: { in: ["OPEN", "PAID"] } }],
            },
          },
        },
        scripted(d),
      ),
  },
  {
    name: "apollo-persisted",
    make: (d) =>
      get(
        `/graphql?${query([
          ["operationName", "GetUser"],
          ["variables", JSON.stringify({ id: d.int(1, 99), filter: 'it\'s <new> & "x"' })],
          ["extensions", JSON.stringify({ persistedQuery: { version: 1, sha256Hash: d.hex(64) } })],
        ])}`,
        scripted(d, [["apollographql-client-name", "web"]]),
      ),
  },
  {
    name: "apollo-get-query",
    make: (d) =>
      get(
        `/graphql?${query([
          ["query", `query { user(id: "${d.int(1, 99)}") { name, posts(first: 5) { title } } }`],
          ["operationName", ""],
        ])}`,
        scripted(d),
      ),
  },
  {
    name: "apollo-batch",
    make: (d) =>
      json(
        "POST",
        "/graphql",
        [0, 1, 2].map((i) => ({
          operationName: "Track",
          variables: { name: d.turn(lines("names")), i },
          query:
            "mutation Track($name: String!, $i: Int) {\n  track(name: $name, index: $i) {\n    ok\n    __typename\n  }\n}",
        })),
        scripted(d),
      ),
  },
  {
    name: "mutation-comment",
    make: (d) =>
      json(
        "POST",
        "/api/graphql",
        {
          operationName: "AddComment",
          query:
            "mutation AddComment($input: AddCommentInput!) { addComment(input: $input) { comment { id body bodyHTML } errors { message path } } }",
          variables: {
            input: {
              subjectId: Buffer.from(`Issue:${d.int(1, 999)}`).toString("base64"),
              body: d.turn(texts("markdown")),
            },
          },
        },
        scripted(d),
      ),
  },
  {
    name: "mutation-code",
    make: (d) =>
      json(
        "POST",
        "/api/graphql",
        {
          query: "mutation ($i: SnippetInput!) { createSnippet(input: $i) { snippet { webUrl } } }",
          variables: {
            i: {
              title: "It's a snippet",
              blobActions: [{ action: "create", filePath: "a.txt", content: d.turn(texts("code")) }],
            },
          },
        },
        scripted(d),
      ),
  },
  {
    name: "inline-arguments",
    make: (d) =>
      json(
        "POST",
        "/graphql",
        {
          query: `mutation { createUser(name: "Conan O'Brien", email: "c@example.com", bio: """It's a\nblock "string" & more""", age: ${d.int(1, 99)}, tags: ["a", "b"], role: ADMIN) { id } }`,
        },
        scripted(d),
      ),
  },
  {
    name: "aliases",
    make: (d) =>
      json(
        "POST",
        "/graphql",
        {
          query: `{ a: product(id: ${d.int(1, 9)}) { ...P } b: product(id: 2) { ...P } c: search(text: "select * or union", first: 3) { total } } fragment P on Product { id title @include(if: true) price(currency: EUR) }`,
        },
        scripted(d),
      ),
  },
  {
    name: "introspection",
    make: (d) =>
      json(
        "POST",
        "/graphql",
        {
          operationName: "IntrospectionQuery",
          query: introspection,
          variables: d.round % 2 === 0 ? {} : null,
        },
        scripted(d),
      ),
  },
  {
    name: "hasura",
    make: (d) =>
      json(
        "POST",
        "/v1/graphql",
        {
          query:
            "query Q($w: users_bool_exp!) { users(where: $w, order_by: {created_at: desc}, limit: 10) { id name } users_aggregate(where: $w) { aggregate { count } } }",
          variables: {
            w: {
              _and: [
                { name: { _ilike: "%o'b%" } },
                { _or: [{ age: { _gte: d.int(1, 99) } }, { age: { _is_null: true } }] },
                { deleted_at: { _is_null: true } },
                { tags: { _has_keys_any: ["a"] } },
              ],
            },
          },
        },
        scripted(d),
      ),
  },
  {
    name: "shopify-storefront",
    make: (d) =>
      json(
        "POST",
        "/api/2024-07/graphql.json",
        {
          query:
            "query ($q: String!) { products(first: 10, query: $q, sortKey: RELEVANCE) { nodes { title handle priceRange { minVariantPrice { amount } } } } }",
          variables: {
            q: d.pick([
              'title:boots* AND vendor:"O\'Neill"',
              "tag:'new' OR price:>=10",
              "-tag:sold available_for_sale:true",
            ]),
          },
        },
        scripted(d),
      ),
  },
  {
    name: "github-v4",
    make: (d) =>
      json("POST", "/graphql", {
        query:
          "query($q:String!,$n:Int=10){search(query:$q,type:ISSUE,first:$n){issueCount nodes{...on Issue{title url}...on PullRequest{title merged}}}}",
        variables: { q: texts("queries").find((one) => one.startsWith("is:open")), n: d.int(1, 50) },
      }),
  },
  {
    name: "upload",
    make: (d) =>
      json(
        "POST",
        "/graphql",
        {
          query: "mutation ($f: String!, $n: String!) { upload(base64: $f, name: $n) { url } }",
          variables: { f: d.base64(600), n: "photo (1) – it's.png" },
        },
        scripted(d),
      ),
  },
  {
    name: "subscription",
    make: (d) =>
      json(
        "POST",
        "/graphql/stream",
        {
          query:
            "subscription OnMessage($room: ID!) { messageAdded(room: $room) { id text author { name } } }",
          variables: { room: `room:${d.uuid()}` },
        },
        scripted(d),
      ),
  },
];
