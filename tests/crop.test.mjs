// Run by: node --test tests/crop.test.mjs
import assert from "node:assert/strict";
import { test } from "node:test";

import { clampSquare } from "../apps/ui/crop.js";

const face = { box: [40, 50, 60, 80], sides: [40, 200] };

test("a square that holds the face stays as it is wished", () => {
  assert.deepEqual(clampSquare([52, 66, 60], face), [52, 66, 60]);
});

test("the face stays inside, however far the square is dragged", () => {
  for (const [x, y] of [[-1000, -1000], [1000, 1000], [-1000, 1000], [50, 65]]) {
    const [cx, cy, side] = clampSquare([x, y, 60], face);
    assert.ok(cx - side / 2 <= 40 && cx + side / 2 >= 60, `${x}, ${y}`);
    assert.ok(cy - side / 2 <= 50 && cy + side / 2 >= 80, `${x}, ${y}`);
  }
});

test("the square becomes neither too small nor too large", () => {
  assert.equal(clampSquare([50, 65, 1], face)[2], 40);
  assert.equal(clampSquare([50, 65, 9999], face)[2], 200);
});
