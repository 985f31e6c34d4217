"""Pixels: the portrait's own, moved, lit and laid over the background; eyes and mouth in windows.

Attributes of each point, (N, 9) float32:
0, 1  where its skin is found in the portrait, pixels
2     skin: light now by light in the portrait
3     skin: hold, 1 moved by the surface, 0 by what moves around it
4-6   colour, sRGB 0..255 (closing lid, inside of the mouth)
7     skin: share of that colour; else: share of the portrait's own pixel
8     how far the portrait shows it
Of eyeballs: 2, 3 how far behind the catch-light has stayed, 4, 5 place in the texture, shares of
its side; 6 how far the portrait's own pixel is right even where it shows no eyeball.
"""

import numpy as np
from numba import njit

from avatar.semo.pixels import DENSITY, bilinear, byte, tap
from avatar.semo.raster import INLINE, OPTIONS
from avatar.semo.types import Region

ATTRIBUTES = 9
_EYE = int(Region.LEFT_EYE)
_f = np.float32
_FAR = _f(2.0)  # pixels between samples of one pixel that lie on different folds
_JUMP = 0.012  # of the distance between neighbouring pixels: another fold of skin
_MOST_FOLDS = 9000  # pixels

_SURFACE = "Tuple((float32[:,::1], int32[:,::1], uint8[::1]))"
_SEEN = "Tuple((int32[:,::1], float32[:,::1], float32[:,:,::1]))"
_LAYERS = "Tuple((uint32[:,::1], uint32[:,::1]))"
_EXTENT = "Tuple((int32[::1], int32[:,::1], int32[:,::1]))"


@njit(**INLINE)
def _behind(back, at, source):  # type: ignore[no-untyped-def]
    """What the background shows at `at` less what it shows at `source`, dense pixels.

    Added to the portrait's pixel from `source` where the matte says background. Where it is not
    sure, what the portrait adds to the background moves along: nothing changes where nothing moves.
    """
    old = tap(back, source[0], source[1])
    new = tap(back, at[0], at[1])
    return new[0] - old[0], new[1] - old[1], new[2] - old[2]


@njit(**INLINE)
def _layered(front, back, at, source, hold):  # type: ignore[no-untyped-def]
    """The person's pixel at `source` over the background at `at`, both pixels with +.5 centres."""
    two, one = _f(DENSITY), _f(0.5 * DENSITY)
    x, y = source[0] * two - one, source[1] * two - one
    red, green, blue, person = tap(front, x, y)
    rest = _f(1) - max(person * _f(1 / 255), hold)
    if rest > _f(0.002):
        change = _behind(back, (at[0] * two - one, at[1] * two - one), (x, y))
        red, green = red + rest * change[0], green + rest * change[1]
        blue += rest * change[2]
    return red, green, blue


@njit(**INLINE)
def _segment(boxes, x, end, y):  # type: ignore[no-untyped-def]
    """First and last + 1 pixel from x on that no box (B, 4) covers in row y."""
    for _ in range(boxes.shape[0]):
        for box in range(boxes.shape[0]):
            if boxes[box, 1] <= y < boxes[box, 3] and boxes[box, 0] <= x < boxes[box, 2]:
                x = boxes[box, 2]
    for box in range(boxes.shape[0]):
        if boxes[box, 1] <= y < boxes[box, 3] and boxes[box, 0] >= x:
            end = min(end, boxes[box, 0])
    return x, end


@njit(**INLINE)
def _moved(points, triangles, hit, weights, at, sample):  # type: ignore[no-untyped-def]
    """Source minus own position, hold and light ratio of the skin at pixel position `at`."""
    v, u = sample
    t = hit[v, u]
    if t < 0:
        return _f(0), _f(0), _f(0), _f(1)
    i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    w0, w1 = weights[v, u, 0], weights[v, u, 1]
    w2 = _f(1) - w0 - w1
    dx = w0 * points[i, 0] + w1 * points[j, 0] + w2 * points[k, 0] - at[0]
    dy = w0 * points[i, 1] + w1 * points[j, 1] + w2 * points[k, 1] - at[1]
    light = w0 * points[i, 2] + w1 * points[j, 2] + w2 * points[k, 2]
    hold = w0 * points[i, 3] + w1 * points[j, 3] + w2 * points[k, 3]
    return dx, dy, hold, _f(1) + (light - _f(1)) * hold


@njit(
    f"void(float32[:,:,::1], float32[:,:,::1], {_SURFACE}, {_SEEN}, float32[:,:,::1], {_EXTENT})",
    **OPTIONS,
)
def trace_skin(source, shade, surface, seen, field, extent):  # type: ignore[no-untyped-def]
    """Where each pixel of a box of the picture comes from.

    source: (h, w, 2) filled with positions in the dense portrait; shade: (h, w, 2) filled with hold
    and light ratio where a triangle shows; surface: attributes, triangles, regions; seen:
    `rasterise` of the box; field: (S, S, 2) motion around the face, pixels; extent: left, top (2,)
    of the box, spans (h, 2) first and last + 1 pixel of each row to draw, boxes (B, 4) left, top,
    right, bottom to leave out.
    """
    points, triangles, _ = surface
    hit, _, weights = seen
    corner, spans, boxes = extent
    left, two, one = corner[0], _f(DENSITY), _f(0.5 * DENSITY)
    for v in range(spans.shape[0]):
        y = v + corner[1]
        py = _f(y) + _f(0.5)
        for x in range(spans[v, 0], spans[v, 1]):
            source[v, x - left, 0] = (_f(x) + _f(0.5) + field[y, x, 0]) * two - one
            source[v, x - left, 1] = (py + field[y, x, 1]) * two - one
        x, end = _segment(boxes, spans[v, 0], spans[v, 1], y)
        while x < end:
            for column in range(x, end):
                u = column - left
                if hit[v, u] < 0:
                    continue
                px = _f(column) + _f(0.5)
                dx, dy, hold, ratio = _moved(points, triangles, hit, weights, (px, py), (v, u))
                ex, ey = field[y, column, 0], field[y, column, 1]
                source[v, u, 0] = (px + ex + (dx - ex) * hold) * two - one
                source[v, u, 1] = (py + ey + (dy - ey) * hold) * two - one
                shade[v, u, 0], shade[v, u, 1] = hold, ratio
            x, end = _segment(boxes, end, spans[v, 1], y)


@njit(
    "void(uint8[:,:,::1], uint8[:,:,::1], float32[:,:,::1], float32[:,:,::1], uint32[:,::1],"
    f" Tuple((int32[:,::1], {_EXTENT})))",
    **OPTIONS,
)
def paint_skin(out, found, source, shade, back, where):  # type: ignore[no-untyped-def]
    """Draw the moved portrait into out (S, S, 3), which holds the portrait at rest.

    found: (h, w, 4) uint8 the dense portrait at `source`, fourth the person's share; back: the
    background, dense; where: hit (h, w) of `rasterise` and extent. The rest is as in `trace_skin`.
    """
    hit, extent = where
    corner, spans, boxes = extent
    for v in range(spans.shape[0]):
        y = v + corner[1]
        x, end = _segment(boxes, spans[v, 0], spans[v, 1], y)
        while x < end:
            for column in range(x, end):
                u = column - corner[0]
                hold, ratio = _f(0), _f(1)
                if hit[v, u] >= 0:
                    hold, ratio = shade[v, u, 0], shade[v, u, 1]
                rest = _f(1) - max(_f(found[v, u, 3]) * _f(1 / 255), hold)
                if rest < _f(0.002):
                    for c in range(3):
                        out[y, column, c] = byte(_f(found[v, u, c]) * ratio)
                elif rest > _f(0.998):
                    plain = back[DENSITY * y, DENSITY * column]
                    out[y, column, 0] = plain & 255
                    out[y, column, 1] = (plain >> 8) & 255
                    out[y, column, 2] = (plain >> 16) & 255
                else:
                    at = (_f(DENSITY * column), _f(DENSITY * y))
                    change = _behind(back, at, (source[v, u, 0], source[v, u, 1]))
                    out[y, column, 0] = byte((_f(found[v, u, 0]) + rest * change[0]) * ratio)
                    out[y, column, 1] = byte((_f(found[v, u, 1]) + rest * change[1]) * ratio)
                    out[y, column, 2] = byte((_f(found[v, u, 2]) + rest * change[2]) * ratio)
            x, end = _segment(boxes, end, spans[v, 1], y)


@njit(**INLINE)
def _apart(here, there):  # type: ignore[no-untyped-def]
    """Whether two neighbouring pixels show different folds of skin, from their 1/distance."""
    least = min(here, there)
    return least > _f(0) and max(here, there) - least > _f(_JUMP) * least


@njit(f"void(uint8[:,:,::1], {_SEEN}, int32[::1], int32[:,::1])", **OPTIONS)
def soften_folds(out, seen, corner, boxes):  # type: ignore[no-untyped-def]
    """Smooth the steps where a near fold of skin (jaw, nose) ends before a far one, outside of
    boxes (B, 4): pixels there become half the mean of their neighbours."""
    near = seen[1]
    found = np.empty((_MOST_FOLDS, 5), np.int32)
    count = 0
    right = corner[0] + near.shape[1] - 1
    for v in range(1, near.shape[0] - 1):
        x, end = _segment(boxes, corner[0] + 1, right, v + corner[1])
        while x < end:
            for u in range(x - corner[0], end - corner[0]):
                here = near[v, u]
                across, below = _apart(here, near[v, u + 1]), _apart(here, near[v + 1, u])
                if (across or below) and count + 3 <= _MOST_FOLDS:
                    found[count, 0], found[count, 1] = v, u
                    found[count + 1, 0], found[count + 1, 1] = v, u + across
                    found[count + 2, 0], found[count + 2, 1] = v + below, u
                    count += 3
            x, end = _segment(boxes, end, right, v + corner[1])
    for at in range(count):
        y, x = found[at, 0] + corner[1], found[at, 1] + corner[0]
        y, x = min(max(y, 1), out.shape[0] - 2), min(max(x, 1), out.shape[1] - 2)
        found[at, 0], found[at, 1] = y, x
        for c in range(3):
            around = np.int32(out[y, x - 1, c]) + out[y, x + 1, c] + out[y - 1, x, c]
            found[at, 2 + c] = (4 * np.int32(out[y, x, c]) + around + out[y + 1, x, c] + 4) >> 3
    for at in range(count):
        for c in range(3):
            out[found[at, 0], found[at, 1], c] = np.uint8(found[at, 2 + c])


@njit(**INLINE)
def _gather(points, triangles, hit, weights, at, out):  # type: ignore[no-untyped-def]
    """Attributes of the sample in row, column `at` into out (9,); its triangle, or -1."""
    y, x = at
    t = hit[y, x]
    if t < 0:
        out[:] = _f(0)
        out[2] = _f(1)
        return -1
    i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    w0, w1 = weights[y, x, 0], weights[y, x, 1]
    w2 = _f(1) - w0 - w1
    for c in range(ATTRIBUTES):
        out[c] = w0 * points[i, c] + w1 * points[j, c] + w2 * points[k, c]
    return t


@njit(**INLINE)
def _skin(front, back, field, grid, at, values):  # type: ignore[no-untyped-def]
    """One skin colour from attributes, seen at pixel position `at`."""
    hold = values[3]
    x, y = values[0], values[1]
    if hold < _f(0.999):
        ex, ey = bilinear(field, at[0] * grid, at[1] * grid)
        x = (at[0] + ex) * (_f(1) - hold) + x * hold
        y = (at[1] + ey) * (_f(1) - hold) + y * hold
    red, green, blue = _layered(front, back, at, (x, y), hold)
    share, ratio = values[7], _f(1) + (values[2] - _f(1)) * hold
    red += (values[4] - red) * share
    green += (values[5] - green) * share
    blue += (values[6] - blue) * share
    return red * ratio, green * ratio, blue * ratio


@njit(**INLINE)
def _eyeball(eyes, values, side, light):  # type: ignore[no-untyped-def]
    """Colour of eyeball `side` from attributes, and where the portrait shows it (0..1)."""
    texels = _f(eyes.shape[1])
    x, y = values[4] * texels - _f(0.5), values[5] * texels - _f(0.5)
    red, green, blue, shown = tap(eyes[side], x, y)
    glint = tap(eyes[side + 2], x + values[2] * texels, y + values[3] * texels)
    red, green, blue = red * light + glint[0], green * light + glint[1], blue * light + glint[2]
    return red, green, blue, max(shown * _f(1 / 255), values[6])


@njit(**INLINE)
def _inner(front, eyes, values, region, light):  # type: ignore[no-untyped-def]
    """One colour of eyeball or mouth from attributes; light: 0..1 that reaches it past the skin."""
    share = values[7]
    if region >= _EYE:
        red, green, blue, shown = _eyeball(eyes, values, region - _EYE, light)
        share *= shown
    else:
        red, green, blue = values[4] * light, values[5] * light, values[6] * light
    if share > _f(0.004):
        x, y = (values[0] - _f(0.5)) * _f(DENSITY), (values[1] - _f(0.5)) * _f(DENSITY)
        photo = tap(front, x, y)
        red += (photo[0] - red) * share
        green += (photo[1] - green) * share
        blue += (photo[2] - blue) * share
    return red, green, blue


@njit(**INLINE)
def _mean(samples, count):  # type: ignore[no-untyped-def]
    """Average `count` rows of samples (4, 9) into the first if they lie on one fold; whether so."""
    for s in range(1, count):
        apart = abs(samples[s, 0] - samples[0, 0]) + abs(samples[s, 1] - samples[0, 1])
        if apart > _FAR:
            return False
    for s in range(1, count):
        for c in range(ATTRIBUTES):
            samples[0, c] += samples[s, c]
    for c in range(ATTRIBUTES):
        samples[0, c] /= _f(count)
    return True


@njit(**INLINE)
def _sort(surface, hit, weights, at, samples, kinds):  # type: ignore[no-untyped-def]
    """Attributes of a pixel's 2 x 2 samples, first at `at`, into samples (2, 4, 9): skin, and what
    lies behind it, of regions kinds (4,). How many are skin, and whether the others are alike."""
    points, triangles, regions = surface
    count, others, alike = 0, 0, True
    for s in range(4):
        y, x = at[0] + (s >> 1), at[1] + (s & 1)
        t = hit[y, x]
        kind = np.int64(regions[t]) if t >= 0 else 0
        if kind == 0:
            _gather(points, triangles, hit, weights, (y, x), samples[0, count])
            count += 1
        else:
            _gather(points, triangles, hit, weights, (y, x), samples[1, others])
            kinds[others] = kind
            alike = alike and kind == kinds[0]
            others += 1
    return count, alike


@njit(
    f"void(uint8[:,:,::1], {_SURFACE}, {_SEEN}, {_LAYERS}, uint32[:,:,::1],"
    " Tuple((float32[:,:,::1], float32[:,::1], int32[::1])))",
    **OPTIONS,
)
def compose_window(out, surface, seen, layers, eyes, around):  # type: ignore[no-untyped-def]
    """Draw a window of out (S, S, 3) with 2 x 2 samples a pixel.

    seen: (2 h, 2 w); eyes: (4, E, E) both eyeballs' textures, fourth byte where the portrait shows
    them, then both catch-lights; around: motion around the face (G, G, 2) in pixels, light
    (2 h, 2 w) that reaches eyes and mouth, and left, top (2,) of the window. The rest is as in
    `trace_skin`.
    """
    hit, _, weights = seen
    front, back = layers
    field, light, corner = around
    grid = _f(field.shape[0]) / _f(out.shape[0])
    samples, kinds = np.empty((2, 4, ATTRIBUTES), np.float32), np.empty(4, np.int64)
    skin, inner = samples[0], samples[1]
    for v in range(hit.shape[0] // 2):
        for u in range(hit.shape[1] // 2):
            x, y = corner[0] + u, corner[1] + v
            at = (_f(x) + _f(0.5), _f(y) + _f(0.5))
            count, alike = _sort(surface, hit, weights, (2 * v, 2 * u), samples, kinds)
            red, green, blue = _f(0), _f(0), _f(0)
            if count > 0:
                whole = 1 if _mean(skin, count) else count
                part = _f(count) / _f(whole)
                for s in range(whole):
                    colour = _skin(front, back, field, grid, at, skin[s])
                    red, green = red + colour[0] * part, green + colour[1] * part
                    blue += colour[2] * part
            if count < 4:
                lit = _f(0.25) * (light[2 * v, 2 * u] + light[2 * v, 2 * u + 1])
                lit += _f(0.25) * (light[2 * v + 1, 2 * u] + light[2 * v + 1, 2 * u + 1])
                whole = 1 if alike and _mean(inner, 4 - count) else 4 - count
                part = _f(4 - count) / _f(whole)
                for s in range(whole):
                    colour = _inner(front, eyes, inner[s], kinds[s], lit)
                    red, green = red + colour[0] * part, green + colour[1] * part
                    blue += colour[2] * part
            out[y, x, 0] = byte(red * _f(0.25))
            out[y, x, 1] = byte(green * _f(0.25))
            out[y, x, 2] = byte(blue * _f(0.25))


@njit(
    f"void(float32[:,:,::1], uint8[:,::1], {_SURFACE}, {_SEEN}, uint32[:,::1], float32[:,:,::1])",
    **OPTIONS,
)
def trace_flow(flow, region, surface, seen, front, field):  # type: ignore[no-untyped-def]
    """flow: (S, S, 3) source minus own position, pixels, and how far the portrait shows it; region:
    (S, S), 255 where no triangle is. front: the person's layer, dense. The rest is as in
    `trace_skin`."""
    points, triangles, regions = surface
    hit, _, weights = seen
    grid = _f(field.shape[0]) / _f(flow.shape[0])
    one, two = np.empty(ATTRIBUTES, np.float32), _f(DENSITY)
    for y in range(flow.shape[0]):
        for x in range(flow.shape[1]):
            px, py = _f(x) + _f(0.5), _f(y) + _f(0.5)
            t = _gather(points, triangles, hit, weights, (y, x), one)
            kind = np.int64(regions[t]) if t >= 0 else -1
            hold = _f(0) if kind < 0 else one[3] if kind == 0 else _f(1)
            ex, ey = bilinear(field, px * grid, py * grid)
            dx, dy = ex + (one[0] - px - ex) * hold, ey + (one[1] - py - ey) * hold
            known = one[8] if kind != 0 else one[8] * (_f(1) - one[7])
            known = known * hold + _f(1) - hold
            ax, ay = (px - _f(0.5)) * two, (py - _f(0.5)) * two
            person = tap(front, ax + dx * two, ay + dy * two)[3] * _f(1 / 255)
            if max(person, hold) < _f(0.5):
                dx, dy = _f(0), _f(0)
                known = _f(1) - tap(front, ax, ay)[3] * _f(1 / 255)
            flow[y, x, 0], flow[y, x, 1], flow[y, x, 2] = dx, dy, known
            region[y, x] = 255 if kind < 0 else kind
