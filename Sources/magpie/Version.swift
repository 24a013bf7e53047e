// SPDX-License-Identifier: Apache-2.0

/// The release.
enum Version {
    static let current = "0.1.0"
}
