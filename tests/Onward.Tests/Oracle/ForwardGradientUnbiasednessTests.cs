using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Tests.Networks;

namespace Onward.Tests.Oracle;

/// <summary>
/// The estimate's expectation is the exact gradient of the local losses, and its variance falls as one over the number
/// of directions: by an identity first, then by seeded draws.
/// </summary>
public sealed class ForwardGradientUnbiasednessTests
{
    private static readonly LossScope[] Scopes =
    [
        LossScope.Block,
        LossScope.Block | LossScope.Patch,
        LossScope.Block | LossScope.Group,
        LossScope.All,
    ];

    public static TheoryData<string> Networks => [.. TinyNetwork.Names];

    // Independent noise has covariance 1, as has this set of directions: no sampling, no error but rounding.
    [Theory]
    [MemberData(nameof(Networks))]
    public void Estimates_along_an_orthonormal_set_of_directions_add_up_to_the_exact_gradient(string name)
    {
        TinyNetwork network = TinyNetwork.Create(name, images: 2);
        foreach (NetworkBlock block in network.Model.Blocks)
        {
            foreach (NetworkLayer layer in block.Layers)
            {
                double[] exactWeight = NaiveGradients.Exact(network, layer.Weight, sweep => sweep.Blocks[block.Index].SumOfReplicas);
                double[] exactBias = NaiveGradients.Exact(network, layer.Bias, sweep => sweep.Blocks[block.Index].SumOfReplicas);
                foreach (LossScope scope in Scopes)
                {
                    using OneStep step = new(network, new UnitNoise(layer.Index), scope);
                    double[] weight = new double[layer.Weight.Length], bias = new double[layer.Bias.Length];
                    for (int element = 0; element < block.Patches * layer.Map.Outputs; element++)
                    {
                        step.Run((uint)element);
                        Numbers.Add(step.Gradient(layer.Weight), weight);
                        Numbers.Add(step.Gradient(layer.Bias), bias);
                    }

                    Tolerance.Near(exactWeight, weight, Tolerance.Network, $"{layer.Weight.Name}, {scope}");
                    Tolerance.Near(exactBias, bias, Tolerance.Network, $"{layer.Bias.Name}, {scope}", Tolerance.Norm(exactWeight));
                }
            }
        }
    }

    [Theory]
    [InlineData("all normalisations", LossScope.All, 64 * 1024)]
    [InlineData("post-linear only", LossScope.Block, 48 * 1024)]
    public void Mean_of_many_estimates_nears_the_exact_gradient_as_one_over_the_root_of_their_number(
        string name, LossScope scope, int draws)
    {
        const int Parts = 16;
        TinyNetwork network = TinyNetwork.Create(name, images: 2);
        using OneStep step = new(network, NoiseDistribution.Gaussian, scope);
        Parameter[] parameters = LayerParameters(network);
        double[] exact =
        [
            .. parameters.SelectMany(
                parameter => NaiveGradients.Exact(
                    network, parameter, sweep => Dual.Sum(sweep.Blocks.Select(block => block.SumOfReplicas)))),
        ];
        Moments all = new(parameters);
        double squaredErrors = 0;

        for (int part = 0; part < Parts; part++)
        {
            Moments moments = new(parameters);
            for (int draw = 0; draw < draws / Parts; draw++)
            {
                step.Run((uint)((part * draws / Parts) + draw));
                moments.Add(step);
            }

            squaredErrors += Math.Pow(Distance(moments.Mean, exact), 2) / Parts;
            all.Add(moments);
        }

        double error = Distance(all.Mean, exact), standardError = Math.Sqrt(all.TotalVariance / draws);
        Assert.InRange(standardError / Tolerance.Norm(exact), 0, Tolerance.MonteCarloPower);
        Assert.InRange(error / standardError, 0, Tolerance.MonteCarloError);
        Assert.InRange(
            Math.Sqrt(squaredErrors) / error, Math.Sqrt(Parts) / Tolerance.MonteCarloError, Math.Sqrt(Parts) * Tolerance.MonteCarloError);
    }

    [Fact]
    public void Four_passes_divide_the_variance_by_four()
    {
        const int Draws = 4 * 1024;
        TinyNetwork network = TinyNetwork.Create("all normalisations", images: 2);

        double ratio = Variance(1) / Variance(4);

        Assert.InRange(ratio, 4 * (1 - Tolerance.VarianceRatio), 4 * (1 + Tolerance.VarianceRatio));

        double Variance(int passes)
        {
            using OneStep step = new(network, NoiseDistribution.Gaussian, LossScope.All, passes);
            Moments moments = new(LayerParameters(network));
            for (uint draw = 0; draw < Draws; draw++)
            {
                step.Run(draw);
                moments.Add(step);
            }

            return moments.TotalVariance;
        }
    }

    private static Parameter[] LayerParameters(TinyNetwork network) =>
        [.. network.Model.Blocks.SelectMany(block => block.Layers).SelectMany(layer => new[] { layer.Weight, layer.Bias })];

    private static double Distance(double[] x, double[] y) => Math.Sqrt(x.Zip(y, (a, b) => (a - b) * (a - b)).Sum());

    // Sums and sums of squares of the estimates, parameter after parameter.
    private sealed class Moments(Parameter[] parameters)
    {
        private readonly double[] _sums = new double[parameters.Sum(parameter => parameter.Length)];
        private readonly double[] _squares = new double[parameters.Sum(parameter => parameter.Length)];
        private int _count;

        public double[] Mean => [.. _sums.Select(sum => sum / _count)];

        public double TotalVariance => _squares.Zip(_sums, (square, sum) => (square / _count) - Math.Pow(sum / _count, 2)).Sum();

        public void Add(OneStep step)
        {
            int i = 0;
            foreach (Parameter parameter in parameters)
            {
                foreach (double value in step.Gradient(parameter))
                {
                    _sums[i] += value;
                    _squares[i++] += value * value;
                }
            }

            _count++;
        }

        public void Add(Moments other)
        {
            for (int i = 0; i < _sums.Length; i++)
            {
                _sums[i] += other._sums[i];
                _squares[i] += other._squares[i];
            }

            _count += other._count;
        }
    }
}
