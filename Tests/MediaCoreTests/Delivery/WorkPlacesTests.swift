// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import MediaCore

struct WorkPlacesTests {
    /// A line with everything in it, of which a test says what ends when.
    private final class Line: Sendable {
        let places: WorkPlaces
        private let begun = Mutex<[String]>([])
        private let holds = Mutex<[String: AsyncStream<Void>.Continuation]>([:])

        init(_ rules: WorkPlaces.Rules) { places = WorkPlaces(rules) }

        /// The names of what has begun, in that order.
        var order: [String] { begun.withLock { $0 } }

        func begin(_ name: String, _ owner: String? = nil, patiently isPatient: Bool = false) -> Task<Void, any Error> {
            let (waits, hold) = AsyncStream.makeStream(of: Void.self)
            holds.withLock { $0[name] = hold }
            return Task {
                try await places.withPlace(for: WorkPlaces.Claim(owner: owner, isPatient: isPatient)) {
                    begun.withLock { $0.append(name) }
                    for await _ in waits {}
                }
            }
        }

        /// Begins what has to wait, and returns when it does.
        func queue(_ name: String, _ owner: String? = nil, patiently isPatient: Bool = false) async -> Task<Void, any Error> {
            let count = places.waitingCount
            let task = begin(name, owner, patiently: isPatient)
            await settled { places.waitingCount > count }
            return task
        }

        func run(_ name: String, _ owner: String? = nil, patiently isPatient: Bool = false) async -> Task<Void, any Error> {
            let task = begin(name, owner, patiently: isPatient)
            await settled { order.contains(name) }
            return task
        }

        func end(_ name: String) { holds.withLock { $0[name] }?.finish() }

        func endAll(_ tasks: [Task<Void, any Error>]) async throws {
            for hold in holds.withLock({ Array($0.values) }) { hold.finish() }
            for task in tasks { try await task.value }
        }
    }

    @Test func ownersTakeTurnsHoweverMuchOneOfThemWants() async throws {
        let line = Line(WorkPlaces.Rules(count: 1))
        var tasks = [await line.run("a1", "a")]
        for name in ["a2", "a3", "a4"] { tasks.append(await line.queue(name, "a")) }
        tasks.append(await line.queue("b1", "b"))
        tasks.append(await line.queue("c1", "c"))

        for name in ["a1", "b1", "c1", "a2"] {
            let count = line.order.count
            line.end(name)
            await settled { line.order.count > count }
        }

        #expect(line.order == ["a1", "b1", "c1", "a2", "a3"])
        try await line.endAll(tasks)
    }

    @Test func oneOwnerNeverHasMoreThanItsShareOfThePlaces() async throws {
        let line = Line(WorkPlaces.Rules(count: 3, countEach: 2))
        var tasks = [await line.run("a1", "a"), await line.run("a2", "a"), await line.queue("a3", "a")]

        tasks.append(await line.run("b1", "b"))

        #expect(line.order == ["a1", "a2", "b1"])
        line.end("b1")
        line.end("a1")
        await settled { line.order.contains("a3") }
        try await line.endAll(tasks)
    }

    @Test func whatNobodyWaitsForLeavesAPlaceAndComesLast() async throws {
        let line = Line(WorkPlaces.Rules(count: 2, patientCount: 1))
        var tasks = [await line.run("job", patiently: true), await line.queue("next job", patiently: true)]
        tasks.append(await line.run("upload", "a"))
        tasks.append(await line.queue("next upload", "a"))

        line.end("job")
        await settled { line.order.count == 3 }

        #expect(line.order == ["job", "upload", "next upload"])
        line.end("upload")
        await settled { line.order.last == "next job" }
        try await line.endAll(tasks)
    }

    @Test func theLineOfOneOwnerEndsBeforeThatOfAll() async throws {
        let line = Line(WorkPlaces.Rules(count: 1, queue: 3, queueEach: 2))
        var tasks = [await line.run("a1", "a"), await line.queue("a2", "a"), await line.queue("a3", "a")]

        await #expect(throws: WorkPlaces.Full.self) { try await line.begin("a4", "a").value }
        tasks.append(await line.queue("b1", "b"))
        await #expect(throws: WorkPlaces.Full.self) { try await line.begin("c1", "c").value }
        tasks.append(await line.queue("job", "a", patiently: true))

        try await line.endAll(tasks)
    }

    @Test func aWaitThatIsTooLongEndsAndAPatientOneDoesNot() async throws {
        let line = Line(WorkPlaces.Rules(count: 1, wait: .milliseconds(1)))
        let tasks = [await line.run("a"), await line.queue("job", patiently: true)]

        await #expect(throws: WorkPlaces.Full.self) { try await line.begin("b").value }

        #expect(line.places.waitingCount == 1)
        try await line.endAll(tasks)
        #expect(line.order == ["a", "job"])
    }
}
