using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Networks;

/// <summary>Every rule on networks of any layers, against the float64 oracle of <c>Onward.Autodiff</c>.</summary>
public sealed class NetworkRuleTests
{
    private static readonly LossScope[] Local =
    [
        LossScope.Block,
        LossScope.Block | LossScope.Patch,
        LossScope.Block | LossScope.Group,
        LossScope.All,
    ];

    public static TheoryData<string> Networks => [.. AnyNetwork.Names];

    public static TheoryData<string, int> NetworksAndScopes
    {
        get
        {
            TheoryData<string, int> cases = [];
            foreach (string name in AnyNetwork.Names)
            {
                foreach (LossScope scope in Local.Append(LossScope.Global))
                {
                    cases.Add(name, (int)scope);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void Predictions_meet_the_oracle(string name)
    {
        AnyNetwork network = AnyNetwork.Create(name);
        using WorkerTeam team = new(1);
        network.Model.Pack(team);
        Predictor predictor = new(network.Model);
        double[] logits = new NetworkOracle(network).Logits();
        for (int n = 0; n < AnyNetwork.Images; n++)
        {
            int image = network.Model.Input.Length, outputs = network.Model.HeadRows * AnyNetwork.Classes;
            IEnumerable<double[]> exact = logits.Skip(n * outputs).Take(outputs).Select(Math.Exp).Chunk(AnyNetwork.Classes);
            float[] probabilities = new float[outputs];
            predictor.Predict(network.Pixels.AsSpan(n * image, image), probabilities);
            Tolerance.Near(
                [.. exact.SelectMany(row => row.Select(value => value / row.Sum()))], probabilities, Tolerance.Network, $"image {n}");
        }
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void Backpropagation_meets_the_oracle(string name)
    {
        AnyNetwork network = AnyNetwork.Create(name);
        NetworkOracle oracle = new(network);
        using WorkerTeam team = new(2);
        (BackwardScope Scope, bool Recompute, IReadOnlyDictionary<string, double[]> Exact)[] cases =
        [
            (BackwardScope.Readout, false, oracle.Gradients(local: false)),
            (BackwardScope.Readout, true, oracle.Gradients(local: false)),
            (BackwardScope.LocalLosses, false, oracle.Gradients(local: true, throughBlocks: true)),
            (BackwardScope.LocalLossesWithinBlock, false, oracle.Gradients(local: true)),
        ];
        foreach ((BackwardScope scope, bool recompute, IReadOnlyDictionary<string, double[]> exact) in cases)
        {
            TrainingStep training = new(network.Model, Backpropagation.ThroughWeights(scope, recompute), team);
            training.Run(network.Pixels, network.Labels, step: 0);
            foreach (NetworkBlock block in network.Model.Blocks)
            {
                RequireLayers(block, exact, training.Gradients, $"{scope}, recompute {recompute}");
            }
        }
    }

    // Unit noise on each number of a layer in turn has covariance 1, so the estimates add up to the gradient, without sampling. They would
    // not if noise changed a loss that the declared reach leaves out, because that loss would be missing.
    [Theory]
    [MemberData(nameof(NetworksAndScopes))]
    public void Estimates_along_unit_noise_on_activities_add_up_to_the_exact_gradient(string name, int scope)
    {
        LossScope losses = (LossScope)scope;
        AnyNetwork network = AnyNetwork.Create(name);
        IReadOnlyDictionary<string, double[]> exact = new NetworkOracle(network).Gradients(local: losses != LossScope.Global);
        using WorkerTeam team = new(1);
        foreach (NetworkLayer layer in network.Model.Blocks.SelectMany(block => block.Layers))
        {
            TrainingStep training = new(network.Model, new ForwardGradient(new UnitNoise(layer.Index), losses, passes: 1, seed: 1), team);
            double[] weight = new double[layer.Weight.Length], bias = new double[layer.Bias.Length];
            for (int element = 0; element < layer.Positions * layer.Map.Outputs; element++)
            {
                training.Run(network.Pixels, network.Labels, (uint)element);
                Numbers.Add(training.Gradients[layer.Weight], weight);
                Numbers.Add(training.Gradients[layer.Bias], bias);
            }

            Tolerance.Near(exact[layer.Weight.Name], weight, Tolerance.Network, layer.Weight.Name);
            Tolerance.Near(
                exact[layer.Bias.Name], bias, Tolerance.Network, layer.Bias.Name, Tolerance.Norm(exact[layer.Weight.Name]));
        }
    }

    // The same for noise on weights, with the credit of the declared reach.
    [Theory]
    [MemberData(nameof(NetworksAndScopes))]
    public void Estimates_along_unit_noise_on_weights_add_up_to_the_exact_gradient(string name, int scope)
    {
        LossScope losses = (LossScope)scope;
        AnyNetwork network = AnyNetwork.Create(name);
        IReadOnlyDictionary<string, double[]> exact = new NetworkOracle(network).Gradients(local: losses != LossScope.Global);
        using WorkerTeam team = new(1);
        foreach (NetworkLayer layer in network.Model.Blocks.SelectMany(block => block.Layers))
        {
            TrainingStep training = new(
                network.Model,
                new WeightForwardGradient(new UnitNoise(layer.Index, example: 0), losses, passes: 1, seed: 1, credit: WeightCredit.Reach),
                team);
            double[] weight = new double[layer.Weight.Length];
            for (int element = 0; element < layer.Weight.Length; element++)
            {
                training.Run(network.Pixels, network.Labels, (uint)element);
                Numbers.Add(training.Gradients[layer.Weight], weight);
            }

            Tolerance.Near(exact[layer.Weight.Name], weight, Tolerance.Network, layer.Weight.Name);
            training = new(
                network.Model,
                new WeightForwardGradient(new UnitNoise(layer.Index, example: 1), losses, passes: 1, seed: 1, credit: WeightCredit.Reach),
                team);
            double[] bias = new double[layer.Bias.Length];
            for (int element = 0; element < layer.Bias.Length; element++)
            {
                training.Run(network.Pixels, network.Labels, (uint)element);
                Numbers.Add(training.Gradients[layer.Bias], bias);
            }

            Tolerance.Near(
                exact[layer.Bias.Name], bias, Tolerance.Network, layer.Bias.Name, Tolerance.Norm(exact[layer.Weight.Name]));
        }
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void Hidden_noise_leaves_the_exact_gradient_in_the_last_layer(string name)
    {
        AnyNetwork network = AnyNetwork.Create(name);
        IReadOnlyDictionary<string, double[]> exact = new NetworkOracle(network).Gradients(local: true);
        using WorkerTeam team = new(1);
        TrainingStep training = new(
            network.Model,
            new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, passes: 2, seed: 1, sites: NoiseSites.Hidden),
            team);
        training.Run(network.Pixels, network.Labels, step: 0);
        foreach (NetworkBlock block in network.Model.Blocks)
        {
            Parameter weight = block.Layers[^1].Weight;
            Tolerance.Near(exact[weight.Name], training.Gradients[weight], Tolerance.Network, weight.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void Threads_change_no_bit_and_a_step_allocates_nothing(string name)
    {
        (string Name, Func<LearningRule> Create)[] rules =
        [
            ("LG-FG-A", () => new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 1, 1)),
            ("FG-A, 4 passes", () => new ForwardGradient(NoiseDistribution.Gaussian, LossScope.Global, 4, 1)),
            ("LG-FG-W", () => new WeightForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 1, 1)),
            ("BP", () => Backpropagation.ThroughWeights(BackwardScope.Readout)),
            ("LG-FA", () => Backpropagation.ThroughRandomFeedback(BackwardScope.LocalLossesWithinBlock, 1)),
            ("LG-BP, overlapping", () => Backpropagation.ThroughWeights(BackwardScope.LocalLossesOverlapping)),
            ("DFA", () => new DirectFeedbackAlignment(1)),
        ];
        foreach ((string rule, Func<LearningRule> create) in rules)
        {
            float[]? first = null;
            for (int threads = 1; threads <= 3; threads++)
            {
                AnyNetwork network = AnyNetwork.Create(name);
                using WorkerTeam team = new(threads);
                TrainingStep trained = new(network.Model, create(), team);
                long allocated = BytesOfAStep(trained, network);
                Assert.True(allocated == 0, $"{rule} with {threads} threads allocated {allocated} bytes");
                first ??= trained.Gradients.All.ToArray();
                Tolerance.Same(first, trained.Gradients.All, $"{rule} with {threads} threads");
                Assert.Contains(first, value => value != 0);
            }
        }
    }

    // Code that the runtime has not optimised yet may allocate where optimised code does not.
    private static long BytesOfAStep(TrainingStep training, AnyNetwork network)
    {
        long allocated = 0;
        for (int attempt = 0; attempt < 20; attempt++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            training.Run(network.Pixels, network.Labels, step: 1);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            if (allocated == 0 && attempt > 0)
            {
                break;
            }

            for (int i = 0; allocated > 0 && i < 100; i++)
            {
                training.Run(network.Pixels, network.Labels, step: 1);
            }

            Thread.Sleep(allocated > 0 ? 100 : 0);
        }

        return allocated;
    }

    private static void RequireLayers(
        NetworkBlock block, IReadOnlyDictionary<string, double[]> exact, ParameterVector gradients, string what)
    {
        foreach (NetworkLayer layer in block.Layers)
        {
            double[] weight = exact[layer.Weight.Name];
            Tolerance.Near(weight, gradients[layer.Weight], Tolerance.Network, $"{layer.Weight.Name}, {what}");
            Tolerance.Near(
                exact[layer.Bias.Name], gradients[layer.Bias], Tolerance.Network, $"{layer.Bias.Name}, {what}", Tolerance.Norm(weight));
        }
    }
}
