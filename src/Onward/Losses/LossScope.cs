namespace Onward.Losses;

/// <summary>
/// The losses of a learning rule (paper section 4). Each flag divides the loss into parts that depend on only a part of the
/// network, which lowers the variance of a forward gradient.
/// </summary>
[Flags]
public enum LossScope
{
    /// <summary>The loss of the readout alone.</summary>
    Global = 0,

    /// <summary>One loss at the end of each block; nothing is differentiated across blocks.</summary>
    Block = 1,

    /// <summary>One loss for each patch.</summary>
    Patch = 2,

    /// <summary>One loss for each channel group.</summary>
    Group = 4,

    /// <summary>A loss for every block, patch and group, as in the paper's LG rules.</summary>
    All = Block | Patch | Group,
}

/// <summary>Questions about <see cref="LossScope"/>.</summary>
internal static class LossScopeExtensions
{
    /// <summary>
    /// True if a scope has a flag. Steps ask often, and <see cref="Enum.HasFlag"/> allocates until the runtime optimises it.
    /// </summary>
    internal static bool Has(this LossScope scope, LossScope flag) => (scope & flag) == flag;
}
