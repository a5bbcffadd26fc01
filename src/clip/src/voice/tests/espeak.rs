//! The real espeak-ng, heard by numbers.

use super::*;

/// Sentences of the demo article.
const SENTENCES: [&str; 10] = [
    "Nghị định có hiệu lực từ ngày 01/01/2027 và được thực hiện đến hết năm 2030.",
    "Theo đó, tổng kinh phí thực hiện gần 2.450 tỷ đồng, trong đó ngân sách trung ương bảo đảm 70%, phần còn lại do ngân sách địa phương và các nguồn huy động hợp pháp khác.",
    "Dự kiến khoảng 185.000 hộ dân được thụ hưởng ngay trong năm đầu tiên.",
    "Hộ mới thoát nghèo trong vòng 36 tháng được hỗ trợ tối đa 20 triệu đồng.",
    "Vay vốn ưu đãi đến 100 triệu đồng với lãi suất bằng 50% lãi suất cho vay hộ nghèo;",
    "Hỗ trợ 100% chi phí truy xuất nguồn gốc cho sản phẩm OCOP đăng ký lần đầu.",
    "Sau 9 tháng thí điểm tại 86 xã, tỷ lệ hồ sơ nộp trực tuyến đạt 78,5%, tăng 31,2 điểm phần trăm so với trước khi thí điểm.",
    "Thời gian giải quyết các thủ tục về cư trú, khai sinh, bảo hiểm y tế giảm từ 5 ngày xuống còn 2 ngày làm việc.",
    "Trước ngày 31 tháng 3 năm 2027, UBND cấp tỉnh phê duyệt danh sách xã và bố trí kinh phí năm đầu.",
    "Các bộ, ngành theo dõi, công khai tiến độ hằng quý trên Cổng Dịch vụ công và trả lời phản ánh, kiến nghị của người dân trong thời hạn không quá 07 ngày làm việc.",
];

fn installed() -> bool {
    let there = Path::new("/usr/bin/espeak-ng").exists();
    if !there {
        println!(
            "SKIPPED: espeak-ng is not installed, the real voice is not heard; `.ci/setup test` installs it"
        );
    }
    there
}

#[test]
fn the_sentences_are_the_demo_articles() {
    let article = include_str!("../../../../../assets/demo/article.html");
    for sentence in SENTENCES {
        assert!(article.contains(sentence), "{sentence}");
    }
}

#[tokio::test]
async fn ten_sentences_are_heard_where_they_are_expected() {
    if !installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let booth = booth(json!({"kind": "espeak"}), folder.path());
    let lines: Vec<Line> = SENTENCES.into_iter().map(vi).collect();
    let takes = booth.speak(&lines, &Cancel::new()).await.unwrap();
    for (line, take) in lines.iter().zip(&takes) {
        let wave = Wave::unseal(&fs::read(&take.path).unwrap()).unwrap();
        let words = spoken(&line.text, Lang::Vi).text();
        let syllables = words.split_whitespace().count() as f64;
        let speech = (take.ms - take.lead_ms - take.tail_ms) as f64 / 1_000.0;
        println!(
            "{:.2} s, {:.1} syllables a second, silence {} and {} ms: {words}",
            speech,
            syllables / speech,
            take.lead_ms,
            take.tail_ms
        );
        // People speak news at three to six syllables a second.
        assert!((2.0..7.0).contains(&(syllables / speech)), "{words}: {speech} s");
        assert!(take.lead_ms < 300 && take.tail_ms < 1_000, "{take:?}");
        let windows = wave.loudness();
        let from = usize::try_from(take.lead_ms / 10).unwrap();
        let to = windows.len() - usize::try_from(take.tail_ms / 10).unwrap();
        let heard = windows[from..to].iter().filter(|rms| **rms > 0.01).count() as f64;
        assert!(heard / (to - from) as f64 > 0.6, "{words}: mostly silence");
        let rms = (windows[from..to].iter().map(|rms| rms * rms).sum::<f64>() / (to - from) as f64)
            .sqrt();
        assert!((0.02..0.5).contains(&rms), "{words}: {rms}");
    }
    // Longer words take longer: the voice says them all.
    let by_length = |take: &Take| take.ms - take.lead_ms - take.tail_ms;
    assert!(by_length(&takes[1]) > 2 * by_length(&takes[2]) * 3 / 4, "{takes:?}");
}

#[tokio::test]
async fn its_voices_and_speeds_differ() {
    if !installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let slow = booth(json!({"kind": "espeak", "words_per_minute": 120}), folder.path());
    let fast = booth(json!({"kind": "espeak", "words_per_minute": 240}), folder.path());
    let (slow, fast) = (one(&slow, TEXT).await.unwrap(), one(&fast, TEXT).await.unwrap());
    assert!(slow.ms as f64 > 1.4 * fast.ms as f64, "{} {}", slow.ms, fast.ms);
    let english = booth(json!({"kind": "espeak"}), folder.path());
    let line = Line { lang: Lang::En, text: "The decree takes effect on 1/1/2027.".into() };
    let take = english.speak(&[line], &Cancel::new()).await.unwrap().remove(0);
    assert!(take.ms > 1_500, "{take:?}");
    let wrong = booth(json!({"kind": "espeak", "voice": "no-such-voice"}), folder.path());
    let error = one(&wrong, TEXT).await.unwrap_err().to_string();
    assert!(error.contains("there is no voice \"no-such-voice\""), "{error}");
    let south = booth(json!({"kind": "espeak", "voice": "vi-vn-x-south"}), folder.path());
    assert_ne!(one(&south, TEXT).await.unwrap().digest, slow.digest);
}
