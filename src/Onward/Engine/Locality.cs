namespace Onward.Engine;

/// <summary>How far a rule's losses reach, which decides how it goes through the network.</summary>
public enum Locality
{
    /// <summary>Each block learns from its own loss alone: block after block, in memory that all blocks share.</summary>
    Block,

    /// <summary>
    /// Something passes from block to block, errors or tangents: each tile goes through the whole network, its values kept.
    /// </summary>
    Network,

    /// <summary>
    /// Errors pass back from block to block: only the blocks' outputs are kept, and the other values of a block are computed
    /// again when the error comes to it. Memory of one block, for one more run through the values.
    /// </summary>
    NetworkRecomputed,
}
