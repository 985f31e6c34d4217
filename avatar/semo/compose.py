"""Pixels: the portrait's own, moved, lit and laid over the background; eyes and mouth in windows.

Attributes of each point, (N, 9) float32:
0, 1  where its skin is found in the portrait, pixels
2     light now by light in the portrait
3     hold: 1 moved by the surface, 0 by what moves around it
4-6   colour, sRGB 0..255 (closing lid, inside of the mouth); of eyeballs 4, 5 texture x, y
7     skin: share of that colour; else: share of the portrait's own pixel
8     how far the portrait shows it
Pictures to sample have four bytes a pixel, read as one uint32, and twice the pixels along each side
(`dense`), so that bilinear samples stay sharp. Their fourth byte is the person's share.
"""

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from avatar.semo.raster import OPTIONS
from avatar.semo.types import Bytes, Floats, Region

ATTRIBUTES = 9
DENSITY = 2
_EYE = int(Region.LEFT_EYE)
_KERNEL = {"nogil": True, "fastmath": True}
_f = np.float32
_FAR = _f(2.0)  # pixels between samples of one pixel that lie on different folds
_ONE_256 = _f(1 / 256)

_SURFACE = "Tuple((float32[:,::1], int32[:,::1], uint8[::1]))"
_SEEN = "Tuple((int32[:,::1], float32[:,:,::1]))"
_LAYERS = "Tuple((uint32[:,::1], uint32[:,::1]))"


def dense(rgb: Bytes, alpha: Bytes) -> NDArray[np.uint32]:
    """(S, S, 3) and (S, S) to (2 S, 2 S) uint32 that `tap` reads; original pixels stay as they are."""
    rgba = np.dstack([rgb, alpha])
    side = DENSITY * rgb.shape[0]
    halves = np.array([[1 / DENSITY, 0, 0], [0, 1 / DENSITY, 0]], np.float32)
    flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
    out = cv2.warpAffine(rgba, halves, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    out[::DENSITY, ::DENSITY] = rgba
    return packed(np.asarray(out, np.uint8))


def packed(rgba: Bytes) -> NDArray[np.uint32]:
    """(H, W, 4) uint8 to (H, W) uint32 of the same memory."""
    return np.ascontiguousarray(rgba).view(np.uint32)[..., 0]


@njit(**_KERNEL)
def _spread(colour):  # type: ignore[no-untyped-def]
    """Four bytes to four lanes of 16 bits, in the order 0, 2, 1, 3."""
    c = np.uint64(colour)
    even, odd = c & np.uint64(0x00FF00FF), c & np.uint64(0xFF00FF00)
    return even | (odd << np.uint64(24))


@njit(**_KERNEL)
def _tap(image, x, y):  # type: ignore[no-untyped-def]
    """Bilinear at pixel (x, y) of a (H, W) uint32 picture, the edge repeated: four floats."""
    height, width = image.shape
    x = min(max(x, _f(0)), _f(width) - _f(1.01))
    y = min(max(y, _f(0)), _f(height) - _f(1.01))
    left, top = np.int64(x), np.int64(y)
    fx, fy = np.int64((x - _f(left)) * _f(256)), np.int64((y - _f(top)) * _f(256))
    both = (fx * fy) >> 8
    total = _spread(image[top, left]) * np.uint64(256 - fx - fy + both)
    total += _spread(image[top, left + 1]) * np.uint64(fx - both)
    total += _spread(image[top + 1, left]) * np.uint64(fy - both)
    total += _spread(image[top + 1, left + 1]) * np.uint64(both)
    lane = np.uint64(0xFFFF)
    red = _f(np.int64(total & lane)) * _ONE_256
    blue = _f(np.int64((total >> np.uint64(16)) & lane)) * _ONE_256
    green = _f(np.int64((total >> np.uint64(32)) & lane)) * _ONE_256
    return red, green, blue, _f(np.int64(total >> np.uint64(48))) * _ONE_256


@njit(**_KERNEL)
def _around(field, x, y):  # type: ignore[no-untyped-def]
    """Bilinear of a (G, G, 2) grid at grid position (x, y) with cell centres at +.5."""
    side = field.shape[0]
    x = min(max(x - _f(0.5), _f(0)), _f(side) - _f(1.01))
    y = min(max(y - _f(0.5), _f(0)), _f(side) - _f(1.01))
    left, top = np.int64(x), np.int64(y)
    fx, fy = x - _f(left), y - _f(top)
    a, b = field[top, left], field[top, left + 1]
    c, d = field[top + 1, left], field[top + 1, left + 1]
    upper0, upper1 = a[0] + (b[0] - a[0]) * fx, a[1] + (b[1] - a[1]) * fx
    lower0, lower1 = c[0] + (d[0] - c[0]) * fx, c[1] + (d[1] - c[1]) * fx
    return upper0 + (lower0 - upper0) * fy, upper1 + (lower1 - upper1) * fy


@njit(**_KERNEL)
def _layered(layers, at, source, hold):  # type: ignore[no-untyped-def]
    """The person's pixel at `source` over the background at `at`, both pixels with +.5 centres.

    Where the matte is not sure, what the portrait adds to the background moves along: exact where
    nothing moves, whatever the matte.
    """
    x, y = (source[0] - _f(0.5)) * _f(DENSITY), (source[1] - _f(0.5)) * _f(DENSITY)
    red, green, blue, person = _tap(layers[0], x, y)
    person = max(person * _f(1 / 255), hold)
    if person < _f(0.998):
        old = _tap(layers[1], x, y)
        u, v = (at[0] - _f(0.5)) * _f(DENSITY), (at[1] - _f(0.5)) * _f(DENSITY)
        new = _tap(layers[1], u, v)
        rest = _f(1) - person
        red += rest * (new[0] - old[0])
        green += rest * (new[1] - old[1])
        blue += rest * (new[2] - old[2])
    return red, green, blue


@njit(**_KERNEL)
def _byte(value):  # type: ignore[no-untyped-def]
    return np.uint8(min(max(value + _f(0.5), _f(0)), _f(255)))


@njit(
    f"void(uint8[:,:,::1], {_SURFACE}, {_SEEN}, {_LAYERS}, float32[:,:,::1], int32[:,::1])",
    **OPTIONS,
)
def compose_skin(out, surface, seen, layers, field, boxes):  # type: ignore[no-untyped-def]
    """Draw the moved portrait into out (S, S, 3), which holds the portrait at rest.

    surface: attributes, triangles, regions; seen: hit (S, S) and depth of `rasterise`; layers:
    person and background, dense; field: (G, G, 2) motion around the face, pixels; boxes: (1 + B, 4)
    int32 left, top, right, bottom: the first is drawn, the others are left out.
    """
    points, triangles, _ = surface
    hit, depth = seen
    grid = _f(field.shape[0]) / _f(out.shape[0])
    for y in range(boxes[0, 1], boxes[0, 3]):
        x = boxes[0, 0]
        while x < boxes[0, 2]:
            for box in range(1, boxes.shape[0]):
                if boxes[box, 1] <= y < boxes[box, 3] and boxes[box, 0] <= x < boxes[box, 2]:
                    x = boxes[box, 2]
            if x >= boxes[0, 2]:
                break
            at = (_f(x) + _f(0.5), _f(y) + _f(0.5))
            t, hold, ratio = hit[y, x], _f(0), _f(1)
            dx, dy = _f(0), _f(0)
            if t >= 0:
                i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                w0, w1 = depth[y, x, 1], depth[y, x, 2]
                w2 = _f(1) - w0 - w1
                hold = w0 * points[i, 3] + w1 * points[j, 3] + w2 * points[k, 3]
                dx = w0 * points[i, 0] + w1 * points[j, 0] + w2 * points[k, 0] - at[0]
                dy = w0 * points[i, 1] + w1 * points[j, 1] + w2 * points[k, 1] - at[1]
                light = w0 * points[i, 2] + w1 * points[j, 2] + w2 * points[k, 2]
                ratio = _f(1) + (light - _f(1)) * hold
            if hold < _f(0.999):
                ex, ey = _around(field, at[0] * grid, at[1] * grid)
                dx, dy = ex + (dx - ex) * hold, ey + (dy - ey) * hold
            if abs(dx) + abs(dy) > _f(0.004) or abs(ratio - _f(1)) > _f(0.001):
                source = (at[0] + dx, at[1] + dy)
                red, green, blue = _layered(layers, at, source, hold)
                out[y, x, 0] = _byte(red * ratio)
                out[y, x, 1] = _byte(green * ratio)
                out[y, x, 2] = _byte(blue * ratio)
            x += 1


@njit(**_KERNEL)
def _gather(surface, seen, y, x, out):  # type: ignore[no-untyped-def]
    """Attributes of one sample into out (9,); its region, or -1."""
    points, triangles, regions = surface
    t = seen[0][y, x]
    if t < 0:
        out[:] = _f(0)
        out[2] = _f(1)
        return -1
    i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    w0, w1 = seen[1][y, x, 1], seen[1][y, x, 2]
    w2 = _f(1) - w0 - w1
    for c in range(ATTRIBUTES):
        out[c] = w0 * points[i, c] + w1 * points[j, c] + w2 * points[k, c]
    return np.int64(regions[t])


@njit(**_KERNEL)
def _skin(layers, field, at, values):  # type: ignore[no-untyped-def]
    """One skin colour from attributes, seen at pixel position `at`."""
    hold = values[3]
    x, y = values[0], values[1]
    if hold < _f(0.999):
        ex, ey = _around(field[0], at[0] * field[1], at[1] * field[1])
        x = (at[0] + ex) * (_f(1) - hold) + x * hold
        y = (at[1] + ey) * (_f(1) - hold) + y * hold
    red, green, blue = _layered(layers, at, (x, y), hold)
    share, ratio = values[7], _f(1) + (values[2] - _f(1)) * hold
    red += (values[4] - red) * share
    green += (values[5] - green) * share
    blue += (values[6] - blue) * share
    return red * ratio, green * ratio, blue * ratio


@njit(**_KERNEL)
def _inner(layers, eyes, values, region, light):  # type: ignore[no-untyped-def]
    """One colour of eyeball or mouth from attributes; light: 0..1 that reaches it past the skin."""
    if region >= _EYE:
        texture = eyes[region - _EYE]
        side = _f(texture.shape[0])
        x, y = values[4] * side - _f(0.5), values[5] * side - _f(0.5)
        red, green, blue, _ = _tap(texture, x, y)
        shade = values[2] * light
    else:
        red, green, blue = values[4], values[5], values[6]
        shade = light
    red, green, blue = red * shade, green * shade, blue * shade
    share = values[7]
    if share > _f(0.004):
        x, y = (values[0] - _f(0.5)) * _f(DENSITY), (values[1] - _f(0.5)) * _f(DENSITY)
        photo = _tap(layers[0], x, y)
        red += (photo[0] - red) * share
        green += (photo[1] - green) * share
        blue += (photo[2] - blue) * share
    return red, green, blue


@njit(**_KERNEL)
def _mean_skin(skin, count):  # type: ignore[no-untyped-def]
    """Average `count` rows of skin (4, 9) into the first, if they lie on one fold: whether so."""
    for s in range(1, count):
        if abs(skin[s, 0] - skin[0, 0]) + abs(skin[s, 1] - skin[0, 1]) > _FAR:
            return False
    for s in range(1, count):
        for c in range(ATTRIBUTES):
            skin[0, c] += skin[s, c]
    for c in range(ATTRIBUTES):
        skin[0, c] /= _f(count)
    return True


@njit(
    f"void(uint8[:,:,::1], {_SURFACE}, {_SEEN}, {_LAYERS}, uint32[:,:,::1],"
    " Tuple((float32[:,:,::1], float32[:,::1], int32[::1])))",
    **OPTIONS,
)
def compose_window(out, surface, seen, layers, eyes, around):  # type: ignore[no-untyped-def]
    """Draw a window of out (S, S, 3) with 2 x 2 samples a pixel.

    seen: hit (2 h, 2 w) and depth; eyes: (2, E, E) textures; around: motion around the face
    (G, G, 2) in pixels, light (2 h, 2 w) that reaches eyes and mouth, and left, top (2,) of the
    window. The rest is as in `compose_skin`.
    """
    field = (around[0], _f(around[0].shape[0]) / _f(out.shape[0]))
    light, left, top = around[1], around[2][0], around[2][1]
    skin, one = np.empty((4, ATTRIBUTES), np.float32), np.empty(ATTRIBUTES, np.float32)
    for v in range(seen[0].shape[0] // 2):
        for u in range(seen[0].shape[1] // 2):
            red, green, blue, count = _f(0), _f(0), _f(0), 0
            at = (_f(left + u) + _f(0.5), _f(top + v) + _f(0.5))
            for s in range(4):
                y, x = 2 * v + (s >> 1), 2 * u + (s & 1)
                region = _gather(surface, seen, y, x, one)
                if region < 1:
                    if region < 0:
                        one[0], one[1] = at[0], at[1]
                    skin[count] = one
                    count += 1
                else:
                    colour = _inner(layers, eyes, one, region, light[y, x])
                    red += colour[0]
                    green += colour[1]
                    blue += colour[2]
            if count > 0 and _mean_skin(skin, count):
                colour = _skin(layers, field, at, skin[0])
                red += colour[0] * _f(count)
                green += colour[1] * _f(count)
                blue += colour[2] * _f(count)
            else:
                for s in range(count):
                    colour = _skin(layers, field, at, skin[s])
                    red += colour[0]
                    green += colour[1]
                    blue += colour[2]
            quarter = _f(0.25)
            out[top + v, left + u, 0] = _byte(red * quarter)
            out[top + v, left + u, 1] = _byte(green * quarter)
            out[top + v, left + u, 2] = _byte(blue * quarter)


@njit(
    f"void(float32[:,:,::1], uint8[:,::1], {_SURFACE}, {_SEEN}, float32[:,:,::1])",
    **OPTIONS,
)
def trace_flow(flow, region, surface, seen, field):  # type: ignore[no-untyped-def]
    """flow: (S, S, 3) source minus own position, pixels, and how far the portrait shows it (mesh
    only); region: (S, S), 255 where no triangle is."""
    grid = _f(field.shape[0]) / _f(flow.shape[0])
    one = np.empty(ATTRIBUTES, np.float32)
    for y in range(flow.shape[0]):
        for x in range(flow.shape[1]):
            px, py = _f(x) + _f(0.5), _f(y) + _f(0.5)
            kind = _gather(surface, seen, y, x, one)
            hold = _f(0) if kind < 0 else one[3] if kind == 0 else _f(1)
            ex, ey = _around(field, px * grid, py * grid)
            flow[y, x, 0] = ex + (one[0] - px - ex) * hold
            flow[y, x, 1] = ey + (one[1] - py - ey) * hold
            known = one[8] if kind != 0 else one[8] * (_f(1) - one[7])
            flow[y, x, 2] = known * hold + _f(1) - hold
            region[y, x] = 255 if kind < 0 else kind
