using Onward.Kernels;
using Onward.Rules;

namespace Onward.Laboratory;

/// <summary>One linear layer and how to measure its estimators.</summary>
public sealed record LinearLayerOptions
{
    /// <summary>The most weights that a layer can have: sums of all draws are kept for each.</summary>
    public const int MostWeights = 1 << 18;

    /// <summary>The most examples that a batch can have.</summary>
    public const int MostExamples = 1 << 16;

    /// <summary>The most inputs and outputs that a batch can have.</summary>
    public const int MostNumbers = 1 << 26;

    /// <summary>Inputs of the layer, p; at least 1.</summary>
    public required int FanIn { get; init; }

    /// <summary>Outputs of the layer, q; at least 1, with at most <see cref="MostWeights"/> weights p q.</summary>
    public required int FanOut { get; init; }

    /// <summary>
    /// Examples in a batch, N; 1 to <see cref="MostExamples"/>, with at most <see cref="MostNumbers"/> inputs and outputs N (p + q).
    /// </summary>
    public required int Examples { get; init; }

    /// <summary>Batches to draw; at least 2.</summary>
    public required int Draws { get; init; }

    /// <summary>Names all draws.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Directions that an estimate averages over, m; 1 to <see cref="ForwardGradient.MaximumPasses"/>. Default 1.</summary>
    public int Passes { get; init; } = 1;

    /// <summary>What directions are drawn from: normal (default) or signs, whose fourth moments the closed forms know.</summary>
    public NoiseDistribution Noise { get; init; } = NoiseDistribution.Gaussian;

    /// <summary>Absolute mean of the gradient that reaches an output, in its standard deviations; finite, not 0. Default 1.</summary>
    public float Mean { get; init; } = 1;

    /// <summary>The mean fourth power of <see cref="Noise"/>: 3 for normal numbers, 1 for signs.</summary>
    public double FourthMoment => Noise == NoiseDistribution.Rademacher ? 1 : 3;

    /// <summary>Checks every rule above.</summary>
    /// <exception cref="ArgumentException">Something is out of range; the message lists all of it.</exception>
    public void Validate()
    {
        List<string> faults = [];
        Require(FanIn >= 1 && FanOut >= 1, $"fan-in and fan-out must be at least 1; got {FanIn} and {FanOut}");
        Require((long)FanIn * FanOut <= MostWeights, $"the layer must have at most {MostWeights} weights; got {FanIn} x {FanOut}");
        Require(Examples is >= 1 and <= MostExamples, $"examples must be 1 to {MostExamples}; got {Examples}");
        Require(
            Examples * ((long)FanIn + FanOut) <= MostNumbers,
            $"a batch must have at most {MostNumbers} inputs and outputs; got {Examples} x ({FanIn} + {FanOut})");
        Require(Draws >= 2, $"draws must be at least 2; got {Draws}");
        Require(Passes is >= 1 and <= ForwardGradient.MaximumPasses, $"passes must be 1 to {ForwardGradient.MaximumPasses}; got {Passes}");
        Require(float.IsFinite(Mean) && Mean != 0, $"the mean must be finite and not 0, or there is no gradient to estimate; got {Mean}");
        Require(
            Noise == NoiseDistribution.Gaussian || Noise == NoiseDistribution.Rademacher,
            "the noise must be Gaussian or Rademacher, for which there are closed forms");
        if (faults.Count > 0)
        {
            throw new ArgumentException($"Linear layer: {string.Join("; ", faults)}.");
        }

        void Require(bool holds, string fault)
        {
            if (!holds)
            {
                faults.Add(fault);
            }
        }
    }
}

/// <summary>An estimator of a linear layer's gradient, measured beside its closed form.</summary>
/// <param name="Estimator">What is perturbed, and whether examples share a direction.</param>
/// <param name="Theory">The closed form of the variance of a number, averaged over the numbers.</param>
/// <param name="Measured">The measurement, over data and directions.</param>
public sealed record LinearLayerEstimate(string Estimator, double Theory, EstimateQuality Measured);
