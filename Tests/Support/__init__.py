# SPDX-License-Identifier: Apache-2.0
"""What the suites that drive a running server share: the server, its database, tokens and plain HTTP."""
