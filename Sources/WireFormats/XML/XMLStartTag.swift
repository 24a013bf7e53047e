// SPDX-License-Identifier: Apache-2.0

/// A name and the vocabulary it is of. Namespaces in XML 1.0.
public struct XMLQualifiedName: Hashable, Sendable {
    /// Nil for a name in none, and `XMLQualifiedName.unknownNamespace` for a prefix that is not declared.
    public var namespace: String?
    /// Without the prefix.
    public var local: String

    public init(namespace: String?, local: String) {
        self.namespace = namespace
        self.local = local
    }

    /// Names with prefixes that nobody declared: not of any vocabulary, and not without one.
    public static let unknownNamespace = "unknown:"
    /// What the prefix `xml` stands for.
    public static let xmlNamespace = "http://www.w3.org/XML/1998/namespace"
}

/// One attribute of an element.
public struct XMLAttribute: Hashable, Sendable {
    public var name: XMLQualifiedName
    /// Valid UTF-8, with references resolved.
    public var value: ArraySlice<UInt8>

    public init(name: XMLQualifiedName, value: ArraySlice<UInt8>) {
        self.name = name
        self.value = value
    }
}

/// The beginning of an element.
public struct XMLStartTag: Hashable, Sendable {
    public var name: XMLQualifiedName
    /// In their order, each name once. Declarations of namespaces are not among them.
    public var attributes: [XMLAttribute]

    public init(name: XMLQualifiedName, attributes: [XMLAttribute] = []) {
        self.name = name
        self.attributes = attributes
    }
}
