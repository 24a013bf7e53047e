// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import magpie

@Suite struct DrainingTests {
    /// Ends by itself only when its task is cancelled.
    private struct Stubborn: Service {
        let started: AsyncStream<Void>.Continuation
        let ended: AsyncStream<Bool>.Continuation

        func run() async throws {
            started.finish()
            do {
                try await Task.sleep(for: .seconds(3600))
            } catch {
                ended.yield(true)
                throw error
            }
        }
    }

    private struct Failing: Service {
        struct Failure: Error {}
        func run() async throws { throw Failure() }
    }

    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    @Test func aServiceThatDoesNotEndInTimeIsCancelledWithoutAnError() async throws {
        let (starts, started) = AsyncStream.makeStream(of: Void.self)
        let (ends, ended) = AsyncStream.makeStream(of: Bool.self)
        let draining = Draining(
            service: Stubborn(started: started, ended: ended), work: "requests", limit: .milliseconds(1), logger: logger)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: draining, successTerminationBehavior: .gracefullyShutdownGroup)], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            for await _ in starts {}
            await group.triggerGracefulShutdown()
            try await tasks.next()
        }
        ended.finish()
        var wasCancelled = false
        for await end in ends { wasCancelled = end }
        #expect(wasCancelled)
    }

    @Test func aFailureIsPassedOn() async throws {
        await #expect(throws: Failing.Failure.self) {
            try await Draining(service: Failing(), work: "requests", limit: .seconds(60), logger: logger).run()
        }
    }
}
