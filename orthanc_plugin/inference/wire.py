"""Tensors between two processes: a small JSON message on a socket, the numbers in shared memory that dies with both."""

from __future__ import annotations

import json
import mmap
import os
import socket
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

MESSAGE_MOST = 1 << 16


class Place(TypedDict):
    """Where a tensor lies in the arena."""

    name: str
    dtype: str
    shape: list[int]
    offset: int


class Arena:
    """Shared memory without a name: an anonymous file whose descriptor goes over the socket when it is new."""

    def __init__(self) -> None:
        self._memory: mmap.mmap | None = None
        self._file = -1

    def put(self, tensors: dict[str, NDArray[np.generic]]) -> tuple[list[Place], list[int]]:
        """Copies the tensors in; the second answer holds the descriptor when the other side must map anew."""
        sizes = [-(-tensor.nbytes // 64) * 64 for tensor in tensors.values()]
        fresh = self._reserve(max(sum(sizes), 1))
        places, offset = [], 0
        for (name, tensor), size in zip(tensors.items(), sizes, strict=True):
            place = Place(name=name, dtype=tensor.dtype.str, shape=list(tensor.shape), offset=offset)
            self._view(place)[...] = tensor
            places.append(place)
            offset += size
        return places, fresh

    def adopt(self, descriptors: list[int]) -> None:
        for descriptor in descriptors:
            self._map(descriptor)

    def get(self, places: list[Place]) -> dict[str, NDArray[np.generic]]:
        """Views into the arena, good until the next message."""
        return {place["name"]: self._view(place) for place in places}

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file, self._memory = -1, None

    def _reserve(self, size: int) -> list[int]:
        if self._memory is not None and len(self._memory) >= size:
            return []
        descriptor = os.memfd_create("inference-arena", os.MFD_CLOEXEC)
        os.ftruncate(descriptor, size)
        self._map(descriptor)
        return [descriptor]

    def _map(self, descriptor: int) -> None:
        self.close()
        self._file = descriptor
        self._memory = mmap.mmap(descriptor, os.fstat(descriptor).st_size)

    def _view(self, place: Place) -> NDArray[Any]:
        if self._memory is None:
            raise ValueError("a tensor was announced before its memory")
        return np.ndarray(place["shape"], place["dtype"], buffer=self._memory, offset=place["offset"])


def send(connection: socket.socket, message: dict[str, Any], descriptors: list[int]) -> None:
    socket.send_fds(connection, [json.dumps(message).encode()], descriptors)


def receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """EOFError when the other side is gone."""
    try:
        data, descriptors, _, _ = socket.recv_fds(connection, MESSAGE_MOST, 1)
    except ConnectionResetError as error:
        raise EOFError from error
    if not data:
        raise EOFError
    return json.loads(data), descriptors
