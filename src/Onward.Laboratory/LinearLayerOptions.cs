using Onward.Kernels;
using Onward.Rules;

namespace Onward.Laboratory;

/// <summary>Options of an experiment with one linear layer.</summary>
public sealed record LinearLayerOptions
{
    /// <summary>Largest number of weights, because sums over all draws are kept for each weight.</summary>
    public const int MostWeights = 1 << 18;

    /// <summary>Largest number of examples in a batch.</summary>
    public const int MostExamples = 1 << 16;

    /// <summary>Largest number of inputs and outputs in a batch.</summary>
    public const int MostNumbers = 1 << 26;

    /// <summary>Number of inputs of the layer, p, at least 1.</summary>
    public required int FanIn { get; init; }

    /// <summary>Number of outputs of the layer, q, at least 1. The number of weights, p q, is at most <see cref="MostWeights"/>.</summary>
    public required int FanOut { get; init; }

    /// <summary>
    /// Number of examples in a batch, N, 1 to <see cref="MostExamples"/>. N (p + q) is at most <see cref="MostNumbers"/>.
    /// </summary>
    public required int Examples { get; init; }

    /// <summary>Number of batches to draw, at least 2.</summary>
    public required int Draws { get; init; }

    /// <summary>Seed of all draws.</summary>
    public required ulong Seed { get; init; }

    /// <summary>
    /// Number of directions that an estimate is averaged over, m, 1 to <see cref="ForwardGradient.MaximumPasses"/>. Default 1.
    /// </summary>
    public int Passes { get; init; } = 1;

    /// <summary>Distribution of the directions: normal (default) or random signs. The closed form depends on its fourth moment.</summary>
    public NoiseDistribution Noise { get; init; } = NoiseDistribution.Gaussian;

    /// <summary>Absolute mean of the gradient at an output, in units of its standard deviation; finite, not 0. Default 1.</summary>
    public float Mean { get; init; } = 1;

    /// <summary>Fourth moment of <see cref="Noise"/>: 3 for normal numbers, 1 for signs.</summary>
    public double FourthMoment => Noise == NoiseDistribution.Rademacher ? 1 : 3;

    /// <summary>Checks that every option is in its range.</summary>
    /// <exception cref="ArgumentException">An option is out of range; the message lists all faults.</exception>
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

/// <summary>Measurement of one estimator of a linear layer's gradient, with the theoretical value.</summary>
/// <param name="Estimator">Name of the estimator: what is perturbed, and whether examples share a direction.</param>
/// <param name="Theory">Variance of an element in closed form, averaged over the elements.</param>
/// <param name="Measured">The measurement, over data and directions.</param>
public sealed record LinearLayerEstimate(string Estimator, double Theory, EstimateQuality Measured);
