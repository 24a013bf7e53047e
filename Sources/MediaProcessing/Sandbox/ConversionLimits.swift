// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// What converting one file may cost. Each is a setting.
public struct ConversionLimits: Hashable, Sendable {
    /// How long one run of a tool may take, by the clock and by the processor.
    public var timeout: Duration
    /// The address space of a tool, in bytes.
    public var memory: Int64
    /// What one run may write, all files together, in bytes.
    public var output: Int64
    /// The pixels of a page or a frame.
    public var pixels: Int
    /// The pages of a document, and the designs on one of them.
    public var pages: Int
    /// How many tools run at a time.
    public var tools: Int
    /// How many runs that somebody waits for may wait for their turn; of one bucket's a quarter of them.
    public var queue: Int
    /// How long those wait.
    public var wait: Duration

    public init(
        timeout: Duration = .seconds(60), memory: Int64 = 1 << 30, output: Int64 = 512 << 20, pixels: Int = 100_000_000,
        pages: Int = 200, tools: Int = 3, queue: Int = 32, wait: Duration = .seconds(10)
    ) {
        self.timeout = timeout
        self.memory = memory
        self.output = output
        self.pixels = pixels
        self.pages = pages
        self.tools = max(tools, 1)
        self.queue = queue
        self.wait = wait
    }

    /// How many places of several are kept from what nobody waits for, and from what belongs to those who have all the others.
    var kept = 1

    /// The line for them.
    var places: WorkPlaces.Rules {
        WorkPlaces.Rules(
            count: tools, countEach: max(1, tools - kept), patientCount: max(1, tools - kept), queue: queue,
            queueEach: max(1, queue / 4), wait: wait)
    }

    /// The longest side of a page or a frame, in pixels.
    var side: Int { 30_000 }
    /// Processes and threads of one tool. None needs more than a few.
    var processes: Int { 24 }
    /// Open files of one tool.
    var openFiles: Int { 256 }
    /// Memory that a tool may use as a file system, in bytes.
    var temporary: Int64 { 64 << 20 }
    /// What is read of what a tool prints, in bytes.
    var printed: Int { 256 << 10 }
}
