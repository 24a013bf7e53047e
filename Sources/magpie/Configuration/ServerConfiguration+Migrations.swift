// SPDX-License-Identifier: Apache-2.0

import MediaCore

extension MigrationLimits {
    init(_ settings: Settings) throws {
        self.init(
            parallelism: try settings.integer("MIGRATION_PARALLEL", in: 1...256),
            bytesPerSecond: try settings.bytes("MIGRATION_RATE"),
            sourceLifetime: try settings.duration("MIGRATION_GRACE", atLeast: .seconds(1)).components.seconds)
    }
}
