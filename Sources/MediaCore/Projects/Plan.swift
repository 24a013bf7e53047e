// SPDX-License-Identifier: Apache-2.0

/// A named set of limits. Nothing is sold here: a plan says what a project may use, and what is only counted.
public struct Plan: Hashable, Sendable {
    /// The names of the plans there are.
    public enum Name: String, Hashable, Sendable, CaseIterable { case unlimited, trial, starter, growth, pro, business }

    public var name: Name
    /// In bytes. Nil: without end.
    public var storageBytes: Int64?
    /// A month, in bytes. Nil: without end. Counted and shown, never refused.
    public var bandwidthBytes: Int64?
    /// How many projects an owner may have. Nil: any number.
    public var projects: Int?
    /// How many keys a project may have for its servers. Nil: any number.
    public var keys: Int?
    /// Whether originals may live in a store of the owner's own.
    public var allowsOwnStorage: Bool
    public var allowsCustomDomain: Bool
    /// Whether storage beyond the plan is only counted; otherwise what would exceed it is refused.
    public var allowsOverage: Bool

    private init(
        _ name: Name, storage: Int64?, bandwidth: Int64?, projects: Int?, keys: Int?, ownStorage: Bool, customDomain: Bool,
        overage: Bool = true
    ) {
        self.name = name
        self.storageBytes = storage
        self.bandwidthBytes = bandwidth
        self.projects = projects
        self.keys = keys
        self.allowsOwnStorage = ownStorage
        self.allowsCustomDomain = customDomain
        self.allowsOverage = overage
    }

    /// The plan of a name.
    public init(_ name: Name) {
        switch name {
        case .unlimited:
            self.init(name, storage: nil, bandwidth: nil, projects: nil, keys: nil, ownStorage: true, customDomain: true)
        case .trial:
            self.init(
                name, storage: 5 * Self.gigabyte, bandwidth: 15 * Self.gigabyte, projects: 1, keys: 1, ownStorage: false,
                customDomain: false, overage: false)
        case .starter:
            self.init(
                name, storage: 5 * Self.gigabyte, bandwidth: 15 * Self.gigabyte, projects: 1, keys: 1, ownStorage: false,
                customDomain: false)
        case .growth:
            self.init(
                name, storage: 25 * Self.gigabyte, bandwidth: 50 * Self.gigabyte, projects: 3, keys: 3, ownStorage: false,
                customDomain: true)
        case .pro:
            self.init(
                name, storage: 100 * Self.gigabyte, bandwidth: 200 * Self.gigabyte, projects: 15, keys: 10, ownStorage: true,
                customDomain: true)
        case .business:
            self.init(
                name, storage: 500 * Self.gigabyte, bandwidth: 1000 * Self.gigabyte, projects: nil, keys: nil, ownStorage: true,
                customDomain: true)
        }
    }

    /// The most bytes that a project may hold before writes are refused. Nil: nothing is refused.
    public var storageQuota: Int64? { allowsOverage ? nil : storageBytes }

    /// In decimal: 10⁹ bytes, as plans are sold.
    private static let gigabyte: Int64 = 1_000_000_000
}
