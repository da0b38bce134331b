using Onward.Layers;

namespace Onward.Models;

/// <summary>
/// The order in which a block is computed: its layers as sections, and the slot of each value. Made once for a network.
/// </summary>
internal sealed class BlockPlan
{
    private Section[]? _ofLayers;

    /// <summary>The sections in order.</summary>
    internal required Section[] Sections { get; init; }

    /// <summary>The affine layers in order.</summary>
    internal required NetworkLayer[] Layers { get; init; }

    /// <summary>Floats of an example in each slot that the tile itself provides.</summary>
    internal required int[] OwnLengths { get; init; }

    /// <summary>Floats of an example in the state of each row layer.</summary>
    internal required int[] StateLengths { get; init; }

    /// <summary>Floats of an example in the input of each residual.</summary>
    internal required int[] ResidualLengths { get; init; }

    /// <summary>The shape of the block's output.</summary>
    internal required ExampleShape Output { get; init; }

    /// <summary>The ends of the residuals, by their numbers.</summary>
    internal AddStep[] Ends => field ??=
        [.. Sections.SelectMany(section => section.Steps).OfType<AddStep>().OrderBy(step => step.Residual)];

    /// <summary>True if training drops numbers at random.</summary>
    internal bool HasDropout => Sections.Any(section => section.Steps.Any(step => step is DropoutStep));

    /// <summary>True if a residual begins behind the block's first affine layer, so that its input depends on parameters.</summary>
    internal bool BeginsInside(int residual) =>
        Sections.Skip(FirstAffine).Any(section => section.Steps.Any(step => step is KeepStep keep && keep.Residual == residual));

    /// <summary>The place of the first section that begins with an affine layer.</summary>
    internal int FirstAffine => SectionOf(0).Place;

    /// <summary>The section that begins with an affine layer.</summary>
    /// <param name="layer">The layer's number in the block.</param>
    internal Section SectionOf(int layer) => (_ofLayers ??= [.. Sections.Where(section => section.Layer is not null)])[layer];
}
