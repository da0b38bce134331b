using System.Numerics.Tensors;
using Onward.Models;
using Onward.Optimizers;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Optimizers;

public sealed class TensorUpdateTests
{
    [Theory]
    [InlineData("SGD")]
    [InlineData("LARS")]
    [InlineData("AdamW")]
    public void Parameters_by_name_get_the_bits_of_a_models_parameters(string kind)
    {
        Optimizer optimizer = kind switch
        {
            "LARS" => new Lars(0.9, 0.01),
            "AdamW" => new AdamW(0.9, 0.99, 0.01),
            _ => new Sgd(0.9, 0.01),
        };
        Network model = LocalMixer.Build(LocalMixerPresets.Get("M/8/16", imageSide: 32, imageChannels: 3, classes: 10));
        model.Initialize(3);
        using WorkerTeam team = new(2);
        ParameterUpdate expected = new(model.Values.Layout, optimizer, team);
        ParameterVector gradients = new(model.Values.Layout);
        Dictionary<string, Tensor<float>> parameters = model.Values.Layout.Parameters.ToDictionary(
            parameter => parameter.Name, parameter => Tensor.Create(model.Values[parameter].ToArray(), Shape(parameter)));
        TensorUpdate update = new(parameters, optimizer);
        Assert.Contains(model.Values.Layout.Parameters, parameter => parameter.Length > Optimizer.SliceLength);

        for (int step = 0; step < 3; step++)
        {
            Numbers.Uniform(step, gradients.All.Length).CopyTo(gradients.All);
            expected.Apply(model.Values, gradients, 0.1);
            update.Apply(
                model.Values.Layout.Parameters.ToDictionary(
                    parameter => parameter.Name, parameter => Tensor.Create(gradients[parameter].ToArray(), Shape(parameter))),
                0.1);
        }

        foreach (Parameter parameter in model.Values.Layout.Parameters)
        {
            Tolerance.Same(model.Values[parameter], Flat(parameters[parameter.Name]), parameter.Name);
            Tolerance.Same(expected.Velocity[parameter], Flat(update.Velocity[parameter.Name]), $"velocity of {parameter.Name}");
        }

        static nint[] Shape(Parameter parameter) => parameter.IsMatrix ? [1, parameter.Length] : [parameter.Length];
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Steps_meet_the_rule_in_double_and_matrices_alone_decay(bool lars)
    {
        const double Momentum = 0.9, Decay = 0.1;
        Dictionary<string, Tensor<float>> parameters = new()
        {
            ["w"] = Tensor.Create(Numbers.Uniform(1, 35), [5, 7]),
            ["b"] = Tensor.Create(Numbers.Uniform(2, 7), [7]),
        };
        Dictionary<string, double[]> values = parameters.ToDictionary(p => p.Key, p => Numbers.Widen(Flat(p.Value)));
        Dictionary<string, double[]> velocity = parameters.ToDictionary(p => p.Key, p => new double[p.Value.FlattenedLength]);
        TensorUpdate update = new(parameters, lars ? new Lars(Momentum, Decay) : new Sgd(Momentum, Decay));
        for (int step = 0; step < 4; step++)
        {
            double rate = 0.2 / (step + 1);
            Dictionary<string, Tensor<float>> gradients = parameters.ToDictionary(
                p => p.Key, p => Tensor.Create(Numbers.Uniform(10 + step, (int)p.Value.FlattenedLength), p.Value.Lengths));

            update.Apply(gradients, rate);

            foreach ((string name, double[] w) in values)
            {
                double[] v = velocity[name], force = Numbers.Widen(Flat(gradients[name]));
                double pull = name == "w" ? Decay : 0;
                for (int i = 0; i < w.Length; i++)
                {
                    force[i] += pull * w[i];
                }

                double trust = lars ? 0.001 * Tolerance.Norm(w) / Tolerance.Norm(force) : 1;
                for (int i = 0; i < w.Length; i++)
                {
                    v[i] = (Momentum * v[i]) + (lars ? rate * trust * force[i] : force[i]);
                    w[i] -= lars ? v[i] : rate * v[i];
                }

                Tolerance.Near(w, Flat(parameters[name]), Tolerance.Kernel, $"{name} after step {step}");
                Tolerance.Near(v, Flat(update.Velocity[name]), Tolerance.Kernel, $"velocity of {name} after step {step}");
            }
        }
    }

    [Fact]
    public void Muon_gives_a_matrix_the_bits_of_a_models_matrix()
    {
        Muon muon = new(0.95, new AdamW(0.9, 0.99, 0.01));
        Network model = LocalMixer.Build(LocalMixerPresets.Get("M/1/16", imageSide: 28, imageChannels: 1, classes: 10));
        model.Initialize(3);
        Parameter weight = model.Blocks[0].Layers[0].Weight, bias = model.Blocks[0].Layers[0].Bias;
        Dictionary<string, Tensor<float>> parameters = new[] { weight, bias }.ToDictionary(
            parameter => parameter.Name, parameter => Tensor.Create(model.Values[parameter].ToArray(), Shape(parameter)));
        using WorkerTeam team = new(2);
        ParameterUpdate expected = new(model.Values.Layout, muon, team);
        ParameterVector gradients = new(model.Values.Layout);
        TensorUpdate update = new(parameters, muon);
        for (int step = 0; step < 3; step++)
        {
            Numbers.Uniform(step, gradients.All.Length).CopyTo(gradients.All);
            expected.Apply(model.Values, gradients, 0.1);
            update.Apply(
                new[] { weight, bias }.ToDictionary(
                    parameter => parameter.Name, parameter => Tensor.Create(gradients[parameter].ToArray(), Shape(parameter))),
                0.1);
        }

        Tolerance.Same(model.Values[weight], Flat(parameters[weight.Name]), "weight");
        Tolerance.Same(model.Values[bias], Flat(parameters[bias.Name]), "bias");
        Tolerance.Same(expected.Velocity[weight], Flat(update.Velocity[weight.Name]), "velocity");
        Tolerance.Same(expected.Squares![bias], Flat(update.Squares[bias.Name]), "squares");

        static nint[] Shape(Parameter parameter) => [.. parameter.Shape.Select(length => (nint)length)];
    }

    [Fact]
    public void Parameters_without_a_gradient_stay_and_tensors_may_be_replaced()
    {
        Dictionary<string, Tensor<float>> parameters = new() { ["a"] = Tensor.Create([1f, 2f], [2]), ["b"] = Tensor.Create([3f], [1]) };
        TensorUpdate update = new(parameters, new Sgd(0, 0));

        parameters["a"] = Tensor.Create([5f, 6f], [2]);
        update.Apply(new Dictionary<string, Tensor<float>> { ["a"] = Tensor.Create([1f, -1f], [2]) }, 0.5);

        Assert.Equal([4.5f, 6.5f], Flat(parameters["a"]));
        Assert.Equal([3f], Flat(parameters["b"]));
    }

    [Fact]
    public void Says_what_does_not_fit()
    {
        Dictionary<string, Tensor<float>> parameters = new()
        {
            ["a"] = Tensor.Create([1f, 2f], [2]),
            ["part"] = Tensor.CreateFromShape<float>([4, 4]).Slice(1..3, 1..3),
        };
        TensorUpdate update = new(parameters, new Sgd(0, 0));

        Assert.Contains("'c'", Assert.Throws<KeyNotFoundException>(() => Apply("c", 2)).Message, StringComparison.Ordinal);
        Assert.Contains("'a' has 2", Assert.Throws<ArgumentException>(() => Apply("a", 3)).Message, StringComparison.Ordinal);
        Assert.Contains("'part'", Assert.Throws<ArgumentException>(() => Apply("part", 4)).Message, StringComparison.Ordinal);

        void Apply(string name, int length) =>
            update.Apply(new Dictionary<string, Tensor<float>> { [name] = Tensor.CreateFromShape<float>([length]) }, 1);
    }

    private static float[] Flat(Tensor<float> tensor)
    {
        float[] numbers = new float[tensor.FlattenedLength];
        tensor.FlattenTo(numbers);
        return numbers;
    }
}
