import assert from "node:assert/strict";
import { test } from "node:test";
import { findRouteConflicts } from "../../src/route/conflict.ts";

test("routes for the same paths, host and method conflict, whatever the names", () => {
  const routes = [{ path: "/a/{x}" }, { path: "/b" }, { path: "/a/{y}", methods: ["GET", "POST"] }];
  assert.deepEqual(findRouteConflicts(routes), [
    { first: 0, second: 2, host: undefined, methods: ["GET", "POST"] },
  ]);
});

test("one conflict per host that two routes share", () => {
  const routes = [
    { hosts: ["a.test", "*.b.test", "c.test"], path: "/" },
    { hosts: ["*.b.test", "a.test"], path: "/" },
  ];
  const hosts = findRouteConflicts(routes).map((conflict) => conflict.host);
  assert.deepEqual(hosts, ["*.b.test", "a.test"]);
});

test("two forms of a path, two hosts, two methods or GET beside HEAD do not conflict", () => {
  const routes = [
    { path: "/a", methods: ["GET"] },
    { path: "/a", methods: ["HEAD"] },
    { path: "/a", methods: ["POST"] },
    { path: "/a/" },
    { path: "/a/{x}" },
    { path: "/a/{*x}" },
    { path: "/a", hosts: ["a.test"] },
    { path: "/a", hosts: ["*.a.test"] },
  ];
  assert.deepEqual(findRouteConflicts(routes), []);
});

test("a host named twice in one route is no conflict", () => {
  assert.deepEqual(findRouteConflicts([{ hosts: ["a.test", "a.test"], path: "/" }]), []);
});

test("the same path spelled in another encoding conflicts", () => {
  assert.equal(findRouteConflicts([{ path: "/admin" }, { path: "/%61dmin" }]).length, 1);
});

test("routes whose patterns are wrong are passed over", () => {
  assert.deepEqual(findRouteConflicts([{ path: "a" }, { path: "a" }]), []);
});
