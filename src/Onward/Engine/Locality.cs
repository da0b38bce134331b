namespace Onward.Engine;

/// <summary>The reach of a rule's losses, which decides the order in which a step goes through the network.</summary>
public enum Locality
{
    /// <summary>Each block learns from its own loss alone. A wave passes block after block, in memory that all blocks share.</summary>
    Block,

    /// <summary>
    /// Errors or tangents pass from block to block. Each tile goes through the whole network, and the values of all blocks are kept.
    /// </summary>
    Network,

    /// <summary>
    /// Errors pass back from block to block. Only the outputs of blocks are kept; the other values of a block are computed again when
    /// the error comes to it. This needs the memory of one block, and computes the values twice.
    /// </summary>
    NetworkRecomputed,
}
