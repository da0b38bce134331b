using Onward.Layers;

namespace Onward.Models;

/// <summary>
/// A part of a block: a product over whole tiles (an affine layer or an example layer), and the operations on rows that follow it. The
/// first section may lack the product.
/// </summary>
/// <param name="layer">The affine layer; null if the section begins otherwise.</param>
/// <param name="example">The example layer; null if the section begins otherwise.</param>
/// <param name="input">The slot that the product reads.</param>
/// <param name="product">The slot that the product writes.</param>
/// <param name="inputShape">The shape of the input.</param>
/// <param name="shape">The shape of the product and of all values after it.</param>
internal sealed class Section(
    NetworkLayer? layer, ExampleLayer? example, int input, int product, ExampleShape inputShape, ExampleShape shape)
{
    /// <summary>Rows that pass through all steps together: few enough to stay in the first cache.</summary>
    internal const int ChunkRows = 4;

    /// <summary>The affine layer; null if the section begins otherwise.</summary>
    internal NetworkLayer? Layer => layer;

    /// <summary>The example layer; null if the section begins otherwise.</summary>
    internal ExampleLayer? Example => example;

    /// <summary>The slot that the product reads.</summary>
    internal int Input => input;

    /// <summary>The shape of the input.</summary>
    internal ExampleShape InputShape => inputShape;

    /// <summary>The shape of the product and of all values after it.</summary>
    internal ExampleShape Shape => shape;

    /// <summary>The state of the example layer; negative if it has none.</summary>
    internal required int ExampleState { get; init; }

    /// <summary>The section's number in its block.</summary>
    internal required int Place { get; init; }

    /// <summary>The steps in order, as tangents pass through them.</summary>
    internal required Step[] Steps { get; init; }

    /// <summary>The steps that compute values, fused where the network keeps no value between them.</summary>
    internal required Step[] Values { get; init; }

    /// <summary>The steps that carry gradients back, from the last to the first, fused where possible.</summary>
    internal required Step[] Backward { get; init; }

    /// <summary>Number of steps in <see cref="Backward"/> before those that lie at the noise site or before it.</summary>
    internal required int BackwardToSite { get; init; }

    /// <summary>The steps that carry a gradient at the noise site, where inactive units are 0, back to the product.</summary>
    internal required DerivableStep[] BackwardFromSite { get; init; }

    /// <summary>Floats of workspace that the product needs.</summary>
    internal int WorkspaceLength => Layer?.Map.WorkspaceLength ?? Example?.WorkspaceOf(InputShape) ?? 0;

    /// <summary>True if the section begins with a product.</summary>
    internal bool HasProduct => Layer is not null || Example is not null;

    /// <summary>Size of the only normalisation between product and noise site; 0 if there is none, or another layer.</summary>
    internal int SiteNorm => BackwardFromSite is [RowStep { Layer: LayerNorm norm }] ? norm.Size : 0;

    /// <summary>
    /// The step in <see cref="Backward"/> that carries a gradient back through the activation function behind the noise site; the first
    /// step before the site if no such function follows.
    /// </summary>
    internal int ActivationInBackward =>
        BackwardToSite > 0 && !IsMasked && Backward[BackwardToSite - 1] is RowStep { Layer.IsNormalization: false }
            ? BackwardToSite - 1 : BackwardToSite;

    // True if a ReLU masks the noise of the section's site.
    private bool IsMasked =>
        BackwardToSite < Backward.Length && Backward[BackwardToSite] is NormReluStep or RowStep { IsMaskOfNoise: true };

    /// <summary>True if a residual ends in the section.</summary>
    internal required bool EndsResidual { get; init; }

    /// <summary>The slot that the last step writes.</summary>
    internal int Output => Steps.Length > 0 ? Steps[^1].Output : product;

    /// <summary>Computes the values of whole examples.</summary>
    internal void Forward(ParameterVector parameters, BlockActivations a, int examples)
    {
        int rows = examples * Shape.Positions;
        if (Example is not null)
        {
            for (int n = 0; n < examples; n++)
            {
                Example.Apply(ValuesOf(a, n), a.Slot(product).Span.Slice(n * Shape.Length, Shape.Length));
            }
        }
        else
        {
            Layer?.Map.Apply(
                Layer.PackedWeight,
                a.Slot(Input).Span[..(examples * InputShape.Length)],
                a.Slot(product).Span[..(examples * Shape.Length)],
                rows,
                a.Workspace.Span,
                accumulate: false,
                upcoming: a.Slot(Output).Span);
        }

        for (int row = 0; row < rows; row += ChunkRows)
        {
            foreach (Step step in Values)
            {
                step.Apply(parameters, a, row, Math.Min(ChunkRows, rows - row));
            }
        }
    }

    /// <summary>Carries the tangent of the input of whole examples through the example layer.</summary>
    internal void CarryTangent(BlockActivations a, int examples, ReadOnlySpan<float> tangent, Span<float> result)
    {
        for (int n = 0; n < examples; n++)
        {
            Example!.ApplyTangent(
                ValuesOf(a, n), tangent.Slice(n * InputShape.Length, InputShape.Length), result.Slice(n * Shape.Length, Shape.Length));
        }
    }

    /// <summary>Carries the gradient of the output of whole examples back through the example layer.</summary>
    internal void CarryBack(BlockActivations a, int examples, ReadOnlySpan<float> gradient, Span<float> result)
    {
        for (int n = 0; n < examples; n++)
        {
            Example!.ApplyTranspose(
                ValuesOf(a, n), gradient.Slice(n * Shape.Length, Shape.Length), result.Slice(n * InputShape.Length, InputShape.Length));
        }
    }

    private ExampleValues ValuesOf(BlockActivations a, int n)
    {
        int length = Example!.StateOf(InputShape);
        return new(
            InputShape,
            a.Slot(Input).Span.Slice(n * InputShape.Length, InputShape.Length),
            length == 0 ? [] : a.State(ExampleState).Span.Slice(n * length, length),
            a.Workspace.Span);
    }
}
