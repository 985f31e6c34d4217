"""Light on the surface: spherical harmonics, and colours from linear light to sRGB.

Second-order spherical harmonics of irradiance after Ramamoorthi and Hanrahan, "An Efficient
Representation for Irradiance Environment Maps" (2001), without the constant factors, which the
fitted coefficients hold.
"""

import numpy as np
from numba import njit

from avatar.semo.raster import INLINE, OPTIONS
from avatar.semo.types import Floats

LEAST_LIGHT = 0.15  # irradiance never falls below, as in `Appearance.irradiance`


def irradiance(normals: Floats, light: Floats) -> Floats:
    """(N, 3) unit normals in camera space and (9,) coefficients to (N,), at least LEAST_LIGHT."""
    out = np.empty(len(normals), np.float32)
    light_points(np.ascontiguousarray(normals, np.float32), light, out)
    return out


@njit(**INLINE)
def lit(light, x, y, z):  # type: ignore[no-untyped-def]
    """`irradiance` of one normal, for other kernels."""
    total = light[0] + light[1] * y + light[2] * z + light[3] * x + light[4] * x * y
    total += light[5] * y * z + light[6] * (np.float32(3) * z * z - np.float32(1))
    total += light[7] * x * z + light[8] * (x * x - y * y)
    return max(total, np.float32(LEAST_LIGHT))


@njit("void(float32[:,::1], float32[::1], float32[::1])", **OPTIONS)
def light_points(normals, light, out):  # type: ignore[no-untyped-def]
    """`irradiance` into out (N,)."""
    for v in range(normals.shape[0]):
        out[v] = lit(light, normals[v, 0], normals[v, 1], normals[v, 2])


@njit(**INLINE)
def srgb(linear):  # type: ignore[no-untyped-def]
    """One value of linear light to sRGB 0..255 within 0.2: the sum of roots that C. Chapman fitted
    to the curve ("sRGB Approximations for HLSL", 2012)."""
    c = min(max(linear, np.float32(0)), np.float32(1))
    second = np.sqrt(c)
    fourth = np.sqrt(second)
    curve = np.float32(0.662002687) * second + np.float32(0.684122060) * fourth
    curve -= np.float32(0.323583601) * np.sqrt(fourth) + np.float32(0.0225411470) * c
    return np.float32(255) * max(curve, np.float32(0))


def smoothly(x: float, low: float, high: float) -> float:
    """`smoothstep` of one number."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


def smoothstep(x: Floats, low: float, high: float) -> Floats:
    """0 below low, 1 above high, smooth in between; low > high falls instead."""
    t = np.clip((x - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def to_srgb(linear: Floats) -> Floats:
    """Linear light 0..1 to sRGB 0..255 (IEC 61966-2-1)."""
    c = np.clip(linear, 0, 1)
    curve = 1.055 * np.power(c, np.float32(1 / 2.4)) - 0.055
    return np.asarray(255 * np.where(c <= 0.0031308, 12.92 * c, curve), np.float32)


def to_linear(srgb: Floats) -> Floats:
    """sRGB 0..255 to linear light 0..1."""
    c = np.clip(np.asarray(srgb, np.float32) / 255, 0, 1)
    curve = np.power((c + np.float32(0.055)) / np.float32(1.055), np.float32(2.4))
    return np.asarray(np.where(c <= 0.04045, c / 12.92, curve), np.float32)
