using Onward.Layers;

namespace Onward.Models;

/// <summary>Fuses the steps of a section where one kernel does the work of two, in each direction.</summary>
/// <param name="layer">The affine layer that the section begins with; null if it begins otherwise.</param>
/// <param name="steps">The steps in order.</param>
internal sealed class SectionSteps(NetworkLayer? layer, IReadOnlyList<Step> steps)
{
    /// <summary>The steps that compute values.</summary>
    internal Step[] Values()
    {
        List<Step> values = [];
        Step[] rest = [.. steps.Where(step => step is not (KeepStep or SiteStep))];
        int i = 0;
        if (layer is not null)
        {
            bool fused = layer.Map.HasBiasOfRow && rest.Length > 0 && IsNorm(rest[0]);
            values.Add(fused ? new BiasedNormStep(layer, (RowStep)rest[i++]) : new BiasStep(layer, Product, Channels));
        }

        while (i < rest.Length)
        {
            bool passes = i + 1 < rest.Length && rest[i].Output == rest[i + 1].Output && rest[i].Output == rest[i + 1].Input;
            switch (rest[i], i + 1 < rest.Length ? rest[i + 1] : null)
            {
                case (RowStep { Layer: Relu } relu, RowStep norm) when passes && IsNorm(norm) && relu.Source != relu.Output:
                    values.Add(new RectifiedNormStep(relu, norm));
                    i += 2;
                    break;
                case (AddStep add, RowStep { Layer: Relu } relu) when passes:
                    values.Add(new AddReluStep(add, relu));
                    i += 2;
                    break;
                default:
                    values.Add(rest[i++]);
                    break;
            }
        }

        return [.. values];
    }

    /// <summary>The steps that carry gradients back, from the last to the first.</summary>
    /// <param name="toSite">Receives the number of steps behind the noise site, where a ReLU that masks noise belongs to the site.</param>
    internal Step[] Backward(out int toSite)
    {
        List<Step> backward = [];
        toSite = -1;
        for (int i = steps.Count - 1; i >= 0; i--)
        {
            if (steps[i] is RowStep { IsMaskOfNoise: true } relu)
            {
                toSite = backward.Count;
                if (i >= 2 && steps[i - 2] is RowStep norm && IsNorm(norm) && relu.Source == norm.Source)
                {
                    backward.Add(new NormReluStep(norm));
                    i -= 2;
                    continue;
                }
            }

            if (steps[i] is SiteStep)
            {
                toSite = toSite < 0 ? backward.Count : toSite;
            }
            else if (steps[i] is not CopyStep)
            {
                backward.Add(steps[i]);
            }
        }

        return [.. backward];
    }

    /// <summary>The steps that carry a gradient at the noise site back to the product.</summary>
    internal DerivableStep[] BackwardFromSite()
    {
        int site = steps.ToList().FindIndex(step => step is SiteStep);
        return site < 0 ? [] : [.. steps.Take(site).Reverse().OfType<DerivableStep>()];
    }

    private int Product => steps[0].Input;

    private int Channels => steps[0].Channels;

    private static bool IsNorm(Step step) => step is RowStep { Layer: LayerNorm };
}
