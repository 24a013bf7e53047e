# SPDX-License-Identifier: Apache-2.0
"""Clients of TUS, unmodified: tuspy and aiotus, here or in a process that can be killed."""

from __future__ import annotations

import argparse
import asyncio
import io
import pathlib
import subprocess
import sys

import aiotus
import yarl
from tusclient import client as tusclient
from tusclient.storage import filestorage

from .server import Server
from .tus import ROOT
