#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The double of libcuda.so.1 by itself: what it must not let pass, and that a launch does what its geometry says."""
import ctypes
import os
import random
import re
import struct
import subprocess
import sys

from case import DOUBLES, DoubleCase, main

INVALID_VALUE, INVALID_CONTEXT, NO_BINARY, NOT_FOUND, ILLEGAL_ADDRESS, LAUNCH_FAILED = 1, 201, 209, 500, 700, 719
NON_BLOCKING = 1
PTX = """.version 4.2
.target sm_{}
.address_size 64
.visible .entry {}(
    .param .u64 .ptr .global .align 1 a,
    .param .u64 .ptr .global .align 1 b,
    .param .align 4 .b8 c[{}]
)
{{ ret; }}
"""


class Plane(ctypes.Structure):
    """As struct vd_tint_plane of kernels/tint_plane.h."""
    _fields_ = [*((name, ctypes.c_int32)
                  for name in ("width", "rows", "by_rows", "first", "straddle", "depth", "shift")),
                ("a", ctypes.c_uint32), ("b", ctypes.c_uint32 * 6),
                *((name, ctypes.c_int32) for name in ("dst_offset", "src_offset", "dst_stride", "src_stride"))]


class CudaCase(DoubleCase):
    def setUp(self):
        super().setUp()
        os.environ["VD_DOUBLE_LOG"] = self.log
        os.environ["VD_DOUBLE_FAIL"] = ""
        self.cuda = ctypes.CDLL(os.path.join(DOUBLES, "libcuda.so.1"))
        self.context = ctypes.c_void_p()
        self.good(self.cuda.cuInit(0))
        self.good(self.cuda.cuCtxCreate_v2(ctypes.byref(self.context), 0, 0))
        self.addCleanup(self.cuda.cuCtxDestroy_v2, self.context)

    def good(self, result):
        self.assertEqual(result, 0)

    def alloc(self, size):
        address = ctypes.c_uint64()
        self.good(self.cuda.cuMemAlloc_v2(ctypes.byref(address), ctypes.c_size_t(size)))
        self.addCleanup(self.cuda.cuMemFree_v2, address)
        return address

    def upload(self, data):
        address = self.alloc(len(data))
        self.good(self.cuda.cuMemcpyHtoD_v2(address, data, ctypes.c_size_t(len(data))))
        return address

    def download(self, address, size):
        data = ctypes.create_string_buffer(size)
        self.good(self.cuda.cuMemcpyDtoH_v2(data, address, ctypes.c_size_t(size)))
        return data.raw

    def load(self, name="vd_tint_buffer8", target=52, size=ctypes.sizeof(Plane)):
        module, function = ctypes.c_void_p(), ctypes.c_void_p()
        result = self.cuda.cuModuleLoadData(ctypes.byref(module), PTX.format(target, name, size).encode())
        if result:
            return result, None
        self.addCleanup(self.cuda.cuModuleUnload, module)
        return self.cuda.cuModuleGetFunction(ctypes.byref(function), module, b"vd_tint_buffer8"), function

    def launch(self, function, grid, block, dst, src, plane, stream=None):
        values = (ctypes.c_void_p * 3)(*(ctypes.addressof(value) for value in (dst, src, plane)))
        return self.cuda.cuLaunchKernel(function, *grid, *block, 0, stream, values, None)


class Symbols(DoubleCase):
    def test_what_ffmpegs_loader_demands_is_there(self):
        with open(os.environ["VD_LOADER"], encoding="utf-8") as header:
            names = re.findall(r'LOAD_SYMBOL\(\w+, *\w+, *"(\w+)"', header.read())
        self.assertGreater(len(names), 60)
        libraries = [ctypes.CDLL(os.path.join(DOUBLES, name), os.RTLD_LAZY)
                     for name in ("libcuda.so.1", "libnvcuvid.so.1", "libnvidia-encode.so.1")]
        other = ("cuvidMapVideoFrame", "cuvidUnmapVideoFrame")  # of processors of 32 bits
        missing = [name for name in names if name not in other and "D3D11" not in name and
                   not any(hasattr(library, name) for library in libraries)]
        self.assertEqual(missing, [])


class Memory(CudaCase):
    def test_a_context_is_needed(self):
        address = ctypes.c_uint64()
        self.good(self.cuda.cuCtxPopCurrent_v2(ctypes.byref(self.context)))
        self.assertEqual(self.cuda.cuMemAlloc_v2(ctypes.byref(address), ctypes.c_size_t(1)), INVALID_CONTEXT)
        self.assertEqual(self.cuda.cuCtxPopCurrent_v2(ctypes.byref(self.context)), INVALID_CONTEXT)
        self.good(self.cuda.cuCtxPushCurrent_v2(self.context))

    def test_bytes_survive(self):
        data = random.Random(1).randbytes(100000)
        address = self.upload(data)
        self.assertEqual(self.download(address, len(data)), data)
        self.assertEqual(len(self.events("memcpy", kind="HtoD", bytes=100000)), 1)
        self.assertEqual(len(self.events("memcpy", kind="DtoH", bytes=100000)), 1)

    def test_copies_stay_in_their_memory(self):
        address, data = self.alloc(1000), ctypes.create_string_buffer(2000)
        self.alloc(1000)
        size = ctypes.c_size_t
        self.good(self.cuda.cuMemcpyHtoD_v2(address, data, size(1000)))
        self.assertEqual(self.cuda.cuMemcpyHtoD_v2(address, data, size(1001)), INVALID_VALUE)
        self.assertEqual(self.cuda.cuMemcpyDtoH_v2(data, ctypes.c_uint64(address.value + 1), size(1000)), INVALID_VALUE)
        self.assertEqual(self.cuda.cuMemcpyDtoD_v2(address, data, size(10)), INVALID_VALUE)
        self.assertEqual(self.cuda.cuMemcpyDtoH_v2(address, address, size(10)), INVALID_VALUE)

    def test_the_host_cannot_read_it(self):
        script = f"""
import ctypes
cuda = ctypes.CDLL({os.path.join(DOUBLES, "libcuda.so.1")!r})
context, address = ctypes.c_void_p(), ctypes.c_uint64()
assert not cuda.cuInit(0) and not cuda.cuCtxCreate_v2(ctypes.byref(context), 0, 0)
assert not cuda.cuMemAlloc_v2(ctypes.byref(address), ctypes.c_size_t(16))
print("reading", flush=True)
ctypes.string_at(address.value, 1)
"""
        result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        self.assertEqual(result.stdout, "reading\n")
        self.assertEqual(result.returncode, -11)

    def test_pitches_are_wider_than_rows(self):
        address, pitch = ctypes.c_uint64(), ctypes.c_size_t()
        self.good(self.cuda.cuMemAllocPitch_v2(ctypes.byref(address), ctypes.byref(pitch), ctypes.c_size_t(641),
                                               ctypes.c_size_t(4), 16))
        self.addCleanup(self.cuda.cuMemFree_v2, address)
        self.assertEqual(pitch.value, 1024)


class Launches(CudaCase):
    WIDTH, ROWS, STRIDE = 100, 9, 128

    def setUp(self):
        super().setUp()
        self.pixels = random.Random(2).randbytes(self.STRIDE * self.ROWS)
        # All one part, so that the arithmetic is that of vd_tint8() with these constants.
        self.plane = Plane(width=self.WIDTH, rows=self.ROWS, first=self.WIDTH, depth=8, a=40000, dst_stride=self.STRIDE,
                           src_stride=self.STRIDE)
        self.plane.b[:] = [9000] * 6
        self.src, self.dst = self.upload(self.pixels), self.upload(bytes(len(self.pixels)))

    def tinted(self):
        out = bytearray(len(self.pixels))
        for y in range(self.ROWS):
            for x in range(y * self.STRIDE, y * self.STRIDE + self.WIDTH):
                out[x] = (((((self.pixels[x] << 8) * 40000) >> 16) + 9000) >> 8) & 0xff
        return bytes(out)

    def test_every_geometry_tints_all(self):
        result, function = self.load()
        self.good(result)
        for grid, block in (((1, 1, 1), (1, 1, 1)), ((4, 3, 1), (32, 4, 1)), ((13, 9, 1), (8, 1, 1)),
                            ((1, 1, 1), (1024, 1, 1))):
            with self.subTest(grid=grid, block=block):
                self.good(self.cuda.cuMemsetD8Async(self.dst, 0, ctypes.c_size_t(len(self.pixels)), None))
                self.good(self.launch(function, grid, block, self.dst, self.src, self.plane))
                self.good(self.cuda.cuStreamSynchronize(None))
                self.assertEqual(self.download(self.dst, len(self.pixels)), self.tinted())

    def test_limits_of_a_launch(self):
        _, function = self.load()
        for grid, block in (((0, 1, 1), (1, 1, 1)), ((1, 1, 1), (1025, 1, 1)), ((1, 1, 1), (64, 32, 1)),
                            ((1, 65536, 1), (1, 1, 1))):
            self.assertEqual(self.launch(function, grid, block, self.dst, self.src, self.plane), INVALID_VALUE)

    def test_leaving_the_memory_breaks_the_context(self):
        _, function = self.load()
        self.plane.rows += 1
        self.launch(function, (1, 1, 1), (32, 1, 1), self.dst, self.src, self.plane)
        self.assertEqual(self.cuda.cuStreamSynchronize(None), ILLEGAL_ADDRESS)
        self.assertEqual(self.cuda.cuCtxSynchronize(), ILLEGAL_ADDRESS)

    def test_a_host_pointer_is_no_memory_of_the_device(self):
        _, function = self.load()
        buffer = ctypes.create_string_buffer(len(self.pixels))
        self.launch(function, (1, 1, 1), (32, 1, 1), ctypes.c_uint64(ctypes.addressof(buffer)), self.src, self.plane)
        self.assertEqual(self.cuda.cuStreamSynchronize(None), ILLEGAL_ADDRESS)

    def test_ordered_failure(self):
        _, function = self.load()
        os.environ["VD_DOUBLE_FAIL"] = "launch=2"
        self.good(self.launch(function, (1, 1, 1), (32, 1, 1), self.dst, self.src, self.plane))
        self.good(self.cuda.cuStreamSynchronize(None))
        self.launch(function, (1, 1, 1), (32, 1, 1), self.dst, self.src, self.plane)
        self.assertEqual(self.cuda.cuStreamSynchronize(None), LAUNCH_FAILED)

    def test_the_products_ptx(self):
        with open(os.environ["VD_PTX"], "rb") as text:
            ptx = text.read()
        module, function = ctypes.c_void_p(), ctypes.c_void_p()
        self.good(self.cuda.cuModuleLoadData(ctypes.byref(module), ptx))
        self.addCleanup(self.cuda.cuModuleUnload, module)
        self.good(self.cuda.cuModuleGetFunction(ctypes.byref(function), module, b"vd_tint_buffer8"))
        self.good(self.launch(function, (2, 2, 1), (32, 4, 1), self.dst, self.src, self.plane))
        self.assertEqual(self.download(self.dst, len(self.pixels)), self.tinted())

        self.plane.width, self.plane.depth, self.plane.shift = self.WIDTH // 2, 10, 6
        self.plane.a, self.plane.b[:] = 1 << 22, [1 << 21] * 6  # the identity of 10 bits
        self.good(self.cuda.cuModuleGetFunction(ctypes.byref(function), module, b"vd_tint_buffer16"))
        self.good(self.launch(function, (2, 2, 1), (32, 4, 1), self.dst, self.src, self.plane))
        got = self.download(self.dst, len(self.pixels))
        for y in range(self.ROWS):
            row = slice(y * self.STRIDE, y * self.STRIDE + self.WIDTH)
            wanted = [word & 0xffc0 for word in struct.unpack("<50H", self.pixels[row])]
            self.assertEqual(list(struct.unpack("<50H", got[row])), wanted)

    def stream(self, flags):
        stream = ctypes.c_void_p()
        self.good(self.cuda.cuStreamCreate(ctypes.byref(stream), flags))
        self.addCleanup(self.cuda.cuStreamDestroy_v2, stream)
        return stream

    def test_who_does_not_wait_sees_old_memory(self):
        _, function = self.load()
        other = self.stream(NON_BLOCKING)
        self.good(self.launch(function, (1, 1, 1), (32, 1, 1), self.dst, self.src, self.plane, other))
        self.assertEqual(self.download(self.dst, len(self.pixels)), bytes(len(self.pixels)))
        self.good(self.cuda.cuStreamSynchronize(other))
        self.assertEqual(self.download(self.dst, len(self.pixels)), self.tinted())

    def test_the_null_stream_waits_for_blocking_ones(self):
        _, function = self.load()
        self.good(self.launch(function, (1, 1, 1), (32, 1, 1), self.dst, self.src, self.plane, self.stream(0)))
        self.assertEqual(self.download(self.dst, len(self.pixels)), self.tinted())

    def test_an_event_is_waited_for(self):
        _, function = self.load()
        other, event = self.stream(NON_BLOCKING), ctypes.c_void_p()
        self.good(self.cuda.cuEventCreate(ctypes.byref(event), 0))
        self.addCleanup(self.cuda.cuEventDestroy_v2, event)
        self.good(self.launch(function, (1, 1, 1), (32, 1, 1), self.dst, self.src, self.plane, other))
        self.good(self.cuda.cuEventRecord(event, other))
        self.good(self.cuda.cuEventSynchronize(event))
        self.assertEqual(self.download(self.dst, len(self.pixels)), self.tinted())

    def test_modules_are_looked_at(self):
        self.assertEqual(self.load(target=20)[0], NO_BINARY)
        self.assertEqual(self.load(target=90)[0], NO_BINARY)
        self.assertEqual(self.load(name="vd_tint_buffer81")[0], NOT_FOUND)
        self.assertNotEqual(self.load(size=ctypes.sizeof(Plane) + 4)[0], 0)
        module = ctypes.c_void_p()
        self.assertNotEqual(self.cuda.cuModuleLoadData(ctypes.byref(module), b"\x7fELF"), 0)


if __name__ == "__main__":
    main()
