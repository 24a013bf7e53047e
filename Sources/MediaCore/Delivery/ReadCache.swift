// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// Objects of public buckets, of verified grants, and of a role that no policy binds, kept in memory by address with their small
/// variants, and bounded in bytes.
///
/// Nothing that row-level security decides is ever kept. Entries go at once on this server's own writes, and through
/// `MetadataStore.watch` for everybody else's; while changes may be missed nothing is kept at all.
public final class ReadCache: Sendable {
    /// Proof that an address was not invalidated between a read and its insertion.
    struct Ticket: Sendable {
        fileprivate let stripe: Int
        fileprivate let generation: UInt64
    }

    private enum Content {
        /// With the names of its variants that are kept: they go when it goes.
        case object(CachedObject, variants: Set<VariantName>)
        /// With the slot of the object that it is made of.
        case variant(CachedVariant, of: Int)

        /// Leaves nothing to those who hold it.
        func drop() {
            switch self {
            case .object(let cached, _): cached.body.drop()
            case .variant(let variant, _): variant.body.drop()
            }
        }
    }

    private struct Slot {
        var content: Content
        var cost: Int
        /// Set by a hit, cleared by the passing hand: the second chance of the clock algorithm.
        var isReferenced: Bool
    }

    private struct State {
        var isTracking = false
        var index: [ObjectAddress: Int] = [:]
        var variants: [VariantName: Int] = [:]
        var slots: [Slot?] = []
        var free: [Int] = []
        var hand = 0
        var cost = 0
        var generations = [UInt64](repeating: 0, count: ReadCache.stripes)

        func object(at position: Int) -> CachedObject? {
            guard case .object(let cached, _) = slots[position]?.content else { return nil }
            return cached
        }

        /// - Returns: where it is.
        mutating func add(_ slot: Slot) -> Int {
            cost += slot.cost
            guard let position = free.popLast() else {
                slots.append(slot)
                return slots.count - 1
            }
            slots[position] = slot
            return position
        }
    }

    /// Goes by the same changes.
    let bucketRules = BucketCache<Bucket>()
    let bucketSettings = BucketCache<BucketSettings>()
    let imageSettings = BucketCache<ImageSettings>()
    /// Nil for a bucket that is none.
    let projects = BucketCache<Project?>()

    /// Who wants to know of changes, too.
    private let followers = Mutex<[@Sendable (MetadataChange) -> Void]>([])

    private static let stripes = 1024
    private let state = Mutex(State())
    private let capacity: Int
    /// How many bytes front-ends may keep of answers made ready, bodies not counted.
    public let answerCapacity: Int
    /// The largest body that is kept, in bytes.
    public let maxBodyBytes: Int

    /// - Parameters:
    ///   - capacity: in bytes, bodies, records and, up to an eighth, ready answers together. 0 keeps nothing.
    ///   - maxBodyBytes: larger bodies are read from their store each time.
    public init(capacity: Int, maxBodyBytes: Int) {
        self.answerCapacity = capacity / 8
        self.capacity = capacity - answerCapacity
        self.maxBodyBytes = min(maxBodyBytes, capacity / 8)
    }

    /// What everything in it costs, in bytes.
    var cost: Int { state.withLock { $0.cost } }

    func lookup(_ address: ObjectAddress) -> CachedObject? {
        state.withLock { state in
            guard let position = state.index[address] else { return nil }
            state.slots[position]?.isReferenced = true
            return state.object(at: position)
        }
    }

    /// A variant of an object that is cached.
    func variant(_ name: VariantName) -> CachedVariant? {
        state.withLock { state in
            guard let position = state.variants[name], case .variant(let variant, let parent) = state.slots[position]?.content
            else {
                return nil
            }
            state.slots[position]?.isReferenced = true
            state.slots[parent]?.isReferenced = true
            return variant
        }
    }

    /// To be taken before the database is read. Nil while nothing may be kept.
    func ticket(for address: ObjectAddress) -> Ticket? {
        let stripe = Self.stripe(address)
        return state.withLock { state in
            state.isTracking && capacity > 0 ? Ticket(stripe: stripe, generation: state.generations[stripe]) : nil
        }
    }

    /// Keeps an object read after `ticket` was taken, unless it changed since.
    func insert(_ object: ReadableObject, details: ObjectMetadata, body: ByteBuffer?, ticket: Ticket) -> CachedObject? {
        let cached = CachedObject(object: object, details: details, body: body)
        let cost = cached.cost
        guard cost <= capacity / 4 else { return nil }
        return state.withLock { state in
            guard state.isTracking, state.generations[ticket.stripe] == ticket.generation else { return nil }
            let address = object.record.address
            // Without bytes it adds nothing to what is there, and may have fewer.
            if body == nil, state.index[address] != nil { return nil }
            if let old = state.index[address] { Self.remove(old, from: &state) }
            while state.cost + cost > capacity { Self.evictOne(from: &state) }
            state.index[address] = state.add(Slot(content: .object(cached, variants: []), cost: cost, isReferenced: false))
            return cached
        }
    }

    /// Keeps a variant with the object that it was made of, while that one is kept.
    func keep(_ variant: CachedVariant, of cached: CachedObject) -> Bool {
        let cost = variant.cost
        guard cost <= capacity / 4, (variant.body.bytes?.readableBytes ?? .max) <= maxBodyBytes else { return false }
        return state.withLock { state in
            let address = cached.object.record.address
            guard let position = state.index[address], state.object(at: position) === cached else { return false }
            if let old = state.variants[variant.name] { Self.remove(old, from: &state) }
            // What a variant is kept with shall not be what makes room for it.
            state.slots[position]?.isReferenced = true
            while state.cost + cost > capacity { Self.evictOne(from: &state) }
            guard let parent = state.index[address], case .object(let kept, var names) = state.slots[parent]?.content,
                kept === cached
            else { return false }
            names.insert(variant.name)
            state.slots[parent]?.content = .object(kept, variants: names)
            state.variants[variant.name] = state.add(
                Slot(content: .variant(variant, of: parent), cost: cost, isReferenced: false))
            return true
        }
    }

    /// Tells `follower` of every change from now on, this server's own among them: after the change, and in time to forget what it replaced.
    /// It must not wait for anything.
    public func follow(_ follower: @escaping @Sendable (MetadataChange) -> Void) {
        followers.withLock { $0.append(follower) }
    }

    private func tell(of change: MetadataChange) {
        for follower in followers.withLock({ $0 }) { follower(change) }
    }

    /// Forgets one object.
    func invalidate(_ address: ObjectAddress) {
        defer { tell(of: .object(address)) }
        state.withLock { state in
            state.generations[Self.stripe(address)] &+= 1
            if let position = state.index[address] { Self.remove(position, from: &state) }
        }
    }

    /// Forgets every object of a bucket: its visibility may have changed.
    func invalidate(_ bucket: BucketID) {
        bucketRules.invalidate(bucket)
        bucketSettings.invalidate(bucket)
        imageSettings.invalidate(bucket)
        projects.invalidate(bucket)
        defer { tell(of: .bucket(bucket)) }
        state.withLock { state in
            for stripe in state.generations.indices { state.generations[stripe] &+= 1 }
            for (address, position) in state.index where address.bucket == bucket { Self.remove(position, from: &state) }
        }
    }

    /// Follows what others change.
    public func apply(_ change: MetadataChange) {
        switch change {
        case .object(let address): invalidate(address)
        case .bucket(let id): invalidate(id)
        case .accessKey, .backend, .jobs, .projectKey: tell(of: change)
        case .lostTrack, .tracking:
            reset(isTracking: change == .tracking)
            tell(of: change)
        }
    }

    private func reset(isTracking: Bool) {
        bucketRules.reset(isTracking: isTracking)
        bucketSettings.reset(isTracking: isTracking)
        imageSettings.reset(isTracking: isTracking)
        projects.reset(isTracking: isTracking)
        state.withLock { state in
            for slot in state.slots { slot?.content.drop() }
            let generations = state.generations.map { $0 &+ 1 }
            state = State()
            state.generations = generations
            state.isTracking = isTracking
        }
    }

    private static func stripe(_ address: ObjectAddress) -> Int { Int(UInt(bitPattern: address.hashValue) % UInt(stripes)) }

    private static func remove(_ position: Int, from state: inout State) {
        guard let slot = state.slots[position] else { return }
        slot.content.drop()
        state.slots[position] = nil
        state.free.append(position)
        state.cost -= slot.cost
        switch slot.content {
        case .object(let cached, let variants):
            state.index[cached.object.record.address] = nil
            for name in variants {
                if let variant = state.variants[name] { remove(variant, from: &state) }
            }
        case .variant(let variant, let parent):
            state.variants[variant.name] = nil
            if case .object(let cached, var names) = state.slots[parent]?.content {
                names.remove(variant.name)
                state.slots[parent]?.content = .object(cached, variants: names)
            }
        }
    }

    private static func evictOne(from state: inout State) {
        while true {
            state.hand = state.hand + 1 < state.slots.count ? state.hand + 1 : 0
            guard let slot = state.slots[state.hand] else { continue }
            if slot.isReferenced {
                state.slots[state.hand]?.isReferenced = false
            } else {
                return remove(state.hand, from: &state)
            }
        }
    }
}
